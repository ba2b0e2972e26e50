# Steps without a network, with the host's, and with all rights
FROM fedora:42 AS image
RUN dnf install -y zfs-fuse zstd && dnf clean all
RUN --security=insecure zfs-fuse & \
dd if=/dev/zero of=/tmp/disk.img bs=16M count=4 && \
sleep 1 && \
zpool create -f pool /tmp/disk.img
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --network=host go mod download
COPY . .
RUN --network=none --mount=type=cache,target=/root/.cache/go-build go build -o /out/ ./...
RUN --security=sandbox --network=default go test ./...
FROM build
COPY --from=image /tmp/disk.img /
