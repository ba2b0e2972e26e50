# ADD of files from the web with checksums, the sum in a variable, the address in quotes or on a line of its own
FROM debian:bookworm-slim AS fetch
ARG TOOL_VERSION=1.7.4
ARG TOOL_SHA256=936a262061c914694dfd669a543be24573c45d5aa0ff20a8b96b23d01e050e88
ADD --checksum=sha256:${TOOL_SHA256} https://example.org/releases/v${TOOL_VERSION}/tool.jar /opt/tool.jar
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d \
    https://example.org/keys/ACCC4CF8.asc \
    keyring.asc
ADD --chmod=0644 "https://example.org/raw/v${TOOL_VERSION}/lib.so" /usr/lib/
ADD --unpack=true https://example.org/rootfs.tar.xz /rootfs/
FROM scratch
ADD --link rootfs.tar.gz /
COPY --from=fetch /opt/tool.jar /
