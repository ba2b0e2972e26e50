# Each stage goes on from the one before and takes its name
FROM golang:1.26 AS builder
RUN go env
FROM builder AS builder
RUN go vet ./...
FROM builder as builder
RUN go build
FROM scratch
COPY --from=builder /go/bin/x /x
