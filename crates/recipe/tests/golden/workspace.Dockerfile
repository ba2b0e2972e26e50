# syntax=docker/dockerfile:1

# The compiler runs on the machine that builds, and compiles for the platform that is asked for:
# nothing is emulated.
FROM --platform=$BUILDPLATFORM golang:1.26.0-alpine3.23 AS build
# This empty folder becomes the image's /tmp.
WORKDIR /empty/tmp
WORKDIR /src
# Programs that need no C library, and this Go, not one that a file asks for.
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
ARG GOFLAGS

# Dependencies come first and by themselves: while go.mod stays as it is, they aren't fetched again.
# From where is up to these, given with --build-arg; a private proxy's password is the secret `netrc`,
# its certificate authority the secret `ca`. Modules that only git can fetch need an image that has git.
ARG GOPROXY
ARG GOSUMDB
ARG GOPRIVATE
ARG GONOPROXY
ARG GONOSUMDB
ARG GOINSECURE
ARG GOVCS
ARG GOAUTH
COPY go.work go.work.sum ./
COPY api/go.mod api/go.sum ./api/
COPY web/go.mod ./web/
COPY ["lib y/go.mod", "./lib y/"]
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    ["go", "mod", "download"]

# The same sources give the same bytes, in any folder and at any commit: no paths, no revision, no id.
COPY . .
ARG TARGETOS
ARG TARGETARCH
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o", "/out/", "./api", "./web"]

# The image: users, certificate authorities, time zones, /tmp and the programs. No shell, no packages.
FROM scratch
COPY --from=build /etc/passwd /etc/group /etc/
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/share/
COPY --from=build --chmod=1777 /empty/ /
COPY --from=build /out/ /usr/local/bin/
ENV PATH=/usr/local/bin ZONEINFO=/usr/share/zoneinfo.zip
USER 65534:65534
