# syntax=docker/dockerfile:1
# Cross compilation with a helper image: only the last stage is for the target
ARG XX_VERSION=1.6.1
FROM --platform=$BUILDPLATFORM tonistiigi/xx:${XX_VERSION} AS xx
FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS base
COPY --link --from=xx / /
RUN apk add --no-cache clang lld file
WORKDIR /src
FROM base AS build
ARG TARGETPLATFORM
RUN xx-apk add --no-cache musl-dev gcc
ENV CGO_ENABLED=1
RUN --mount=target=. --mount=target=/root/.cache,type=cache <<EOT
  set -e
  xx-go build -o /out/agent ./cmd/agent
  xx-verify --static /out/agent
EOT
FROM alpine:3.22
COPY --from=build /out/agent /usr/bin/
ENTRYPOINT ["agent"]
