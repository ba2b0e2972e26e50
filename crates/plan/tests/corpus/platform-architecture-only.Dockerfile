# `--platform` with nothing but an architecture, one image for each
ARG VERSION=0.5.0
FROM --platform=amd64 example/netkit:${VERSION} AS netkit-amd64
FROM --platform=arm64 example/netkit:${VERSION} AS netkit-arm64
FROM scratch AS netkit
COPY --from=netkit-amd64 /netkit /build/netkit.x86_64
COPY --from=netkit-arm64 /netkit /build/netkit.aarch64
