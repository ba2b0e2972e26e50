# Instructions in small letters and mixed ones, `as` too
from golang:1.26 as Builder
workdir /src
copy . .
run go build -o /out/tool ./cmd/tool
From scratch
Copy --from=builder /out/tool /tool
entryPoint ["/tool"]
