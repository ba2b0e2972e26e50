# syntax=docker/dockerfile:1
# Eighteen stages of a daemon's repository, eleven of which the default target stands on

ARG WITH_CROSS="false"
ARG GO_VERSION=1.26
ARG DISTRO="bookworm"
ARG BASE_IMAGE="golang:${GO_VERSION}-${DISTRO}"

FROM ${BASE_IMAGE} AS base
ENV GO111MODULE off

FROM base AS specs
RUN --mount=type=cache,target=/root/.cache/go-build make specs

FROM base AS cross-false

FROM --platform=linux/amd64 base AS cross-true
RUN dpkg --add-architecture arm64

FROM cross-${WITH_CROSS} AS dev-base

FROM dev-base AS runtime-cross-false
RUN --mount=type=cache,sharing=locked,id=daemon-aptlib,target=/var/lib/apt \
    --mount=type=cache,sharing=locked,id=daemon-aptcache,target=/var/cache/apt \
        apt-get update && apt-get install -y --no-install-recommends libseccomp-dev

FROM runtime-cross-false AS runtime-cross-true
RUN apt-get install -y libseccomp-dev:arm64

FROM runtime-cross-${WITH_CROSS} AS runtime

FROM base AS debugger
RUN go install example.org/debugger@latest

FROM dev-base AS shim
ARG SHIM_COMMIT
COPY /hack/install.sh /hack/shim.installer /
RUN PREFIX=/build /install.sh shim

FROM runtime AS spawner
COPY /hack/install.sh /hack/spawner.installer /
RUN PREFIX=/build /install.sh spawner

FROM dev-base AS init
RUN --mount=type=tmpfs,target=/tmp/init cd /tmp/init && make PREFIX=/build

FROM base AS linter
RUN GOBIN=/build go install example.org/linter@v2

FROM runtime AS dev
COPY --from=debugger /build/ /usr/local/bin/
COPY --from=linter   /build/ /usr/local/bin/
COPY --from=specs    /build/ /specs
COPY . .

FROM runtime AS source
WORKDIR /go/src/example.org/daemon
COPY . .

FROM source AS build-binary
ARG VERSION
RUN --mount=type=cache,target=/root/.cache/go-build hack/make.sh binary

FROM build-binary AS build-dynamic
RUN hack/make.sh dynbinary

FROM scratch AS all
COPY --from=shim /build/ /
COPY --from=spawner /build/ /
COPY --from=init /build/ /
COPY --from=build-binary /build/bundles/ /
