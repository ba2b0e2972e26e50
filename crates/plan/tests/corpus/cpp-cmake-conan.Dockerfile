# C++ in stages by compiler, a matrix of which one is built; shell options for pipes
ARG UBUNTU=24.04
FROM ubuntu:${UBUNTU} AS toolchain
SHELL ["/bin/bash", "-o", "pipefail", "-euxc"]
RUN apt-get update; \
    apt-get install -y cmake ninja-build ccache
FROM toolchain AS gcc
ENV CC=gcc-14 CXX=g++-14
RUN apt-get install -y g++-14
FROM toolchain AS clang
ENV CC=clang-19 CXX=clang++-19
RUN wget -qO- https://example.org/llvm.sh | bash -s -- 19
FROM clang AS build
WORKDIR /build
RUN --mount=type=bind,target=/src,ro \
    --mount=type=cache,target=/ccache,id=ccache-$CC \
    CCACHE_DIR=/ccache cmake -GNinja -S /src -B . && ninja
FROM gcr.io/distroless/cc-debian12
COPY --from=build /build/bin/* /usr/bin/
