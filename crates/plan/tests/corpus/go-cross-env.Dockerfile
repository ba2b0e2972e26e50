# GOOS and GOARCH from the predefined arguments, two in one ARG
FROM --platform=${BUILDPLATFORM:-linux/amd64} golang:1.26 AS builder
ARG TARGETOS TARGETARCH TARGETVARIANT
ARG LDFLAGS="-s -w"
WORKDIR $GOPATH/src/example.org/operator
COPY . .
RUN CGO_ENABLED=0 GOOS=${TARGETOS:-linux} GOARCH=${TARGETARCH} GOARM=${TARGETVARIANT#v} \
    go build -a -ldflags="${LDFLAGS}" -o manager main.go
FROM --platform=${TARGETPLATFORM:-linux/amd64} gcr.io/distroless/static:nonroot
WORKDIR /
COPY --from=builder /go/src/example.org/operator/manager .
USER 65532:65532
ENTRYPOINT ["/manager"]
