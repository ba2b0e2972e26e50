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
COPY go.mod ./
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    ["go", "mod", "download"]

# The same sources give the same bytes, in any folder and at any commit: no paths, no revision, no id.
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG TARGETVARIANT
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH GOAMD64=v3 GOARM=${TARGETVARIANT#v}
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    ["go", "build", "-trimpath", "-buildvcs=false", "-tags=netgo,osusergo", "-ldflags=-buildid= -s -w -X 'main.name=a \"b\"'", "-o", "/out/", "./cmd/api", "example.com/x/cmd/tool"]

# The image: users, certificate authorities, time zones, /tmp and the programs. No shell, no packages.
FROM scratch
COPY --from=build /etc/passwd /etc/group /etc/
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /usr/share/
COPY --from=build --chmod=1777 /empty/ /
COPY --from=build /out/ /usr/local/bin/
COPY assets /srv/assets
COPY ["my \\$file", "/srv/it\\'s"]
ENV PATH=/usr/local/bin ZONEINFO=/usr/share/zoneinfo.zip
ENV GREETING="say \"\$hi\""
ENV PATH=/usr/local/bin:/opt
EXPOSE 8080
EXPOSE 53/udp
USER 1000
ENTRYPOINT ["/usr/local/bin/api", "--name=$x y"]
CMD ["serve"]
