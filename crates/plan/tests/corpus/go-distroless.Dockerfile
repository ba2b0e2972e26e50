# A static Go program on distroless, layers by how often they change
FROM golang:1.26 AS build
WORKDIR /go/src/app
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /go/bin/app

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /go/bin/app /
USER nonroot:nonroot
ENTRYPOINT ["/app"]
