# A stage for each architecture, of which the last FROM takes one by name
ARG RELEASE=3.22
FROM scratch AS root-amd64
ADD rootfs/x86_64-${RELEASE}.tar.gz /
FROM scratch AS root-arm64
ADD rootfs/aarch64-${RELEASE}.tar.gz /
RUN ["/bin/fix-vdso"]
FROM scratch AS root-riscv64
ADD rootfs/riscv64-${RELEASE}.tar.gz /
FROM root-$TARGETARCH
CMD ["/bin/sh"]
