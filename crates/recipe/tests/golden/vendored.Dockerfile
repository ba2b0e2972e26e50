# syntax=docker/dockerfile:1

# The compiler runs on the machine that builds, and compiles for the platform that is asked for:
# nothing is emulated.
FROM --platform=$BUILDPLATFORM golang:1.26.8-alpine3.23 AS build
# This empty folder becomes the image's /tmp.
WORKDIR /empty/tmp
WORKDIR /src
# Programs that need no C library, and this Go, not one that a file asks for.
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
ARG GOFLAGS

# The same sources give the same bytes, in any folder and at any commit: no paths, no revision, no id.
COPY . .
ARG TARGETOS
ARG TARGETARCH
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH
RUN --mount=type=cache,target=/root/.cache/go-build \
    ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o", "/out/", "./cmd/a"]

# The image: users, certificate authorities, time zones, /tmp and the programs. No shell, no packages.
FROM scratch
COPY --from=build /etc/passwd /etc/group /etc/
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/share/
COPY --from=build --chmod=1777 /empty/ /
COPY --from=build /out/ /usr/local/bin/
ENV PATH=/usr/local/bin ZONEINFO=/usr/share/zoneinfo.zip
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/a"]
