# Images under one name an architecture, because one of them comes from elsewhere
ARG ALPINE=3.22
FROM alpine:${ALPINE} AS alpine-amd64
FROM alpine:${ALPINE} AS alpine-arm64
FROM alpine:edge@sha256:4b7ce07002c69e8f3d704a9c5d6fd3053be500b7f1c69fc0d80990c2ad8dd412 AS alpine-loong64
FROM alpine-$TARGETARCH AS alpinebase
FROM --platform=$BUILDPLATFORM alpine:${ALPINE} AS fetch
ARG TARGETARCH TARGETOS
WORKDIR /out
RUN wget -qO- https://example.org/plugin-${TARGETOS}-${TARGETARCH}.tgz | tar xz
FROM alpinebase
COPY --link --from=fetch /out /usr/libexec/plugins
