# The predefined arguments declared before FROM, without a default and with one
ARG TARGETARCH
ARG TARGETVARIANT
ARG BUILDPLATFORM=linux/amd64
FROM scratch AS base
WORKDIR /app
FROM base AS target-amd64
COPY --chmod=555 bin/x86_64-unknown-linux-musl/app /app/app
FROM base AS target-arm64
COPY --chmod=555 bin/aarch64-unknown-linux-musl/app /app/app
FROM base AS target-armv7
COPY --chmod=555 bin/armv7-unknown-linux-musleabihf/app /app/app
FROM --platform=$BUILDPLATFORM alpine:3.22 AS certs
FROM target-${TARGETARCH}${TARGETVARIANT} AS target
COPY --from=certs /etc/ssl/certs /etc/ssl/certs
ENTRYPOINT ["/app/app"]
