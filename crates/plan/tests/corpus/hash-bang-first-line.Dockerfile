#!/usr/bin/env -S docker build . --file
# syntax=docker/dockerfile:1
# A Dockerfile that can be executed: a first line for the kernel, then the directive
FROM alpine:3.22
RUN --mount=type=cache,target=/var/cache/apk ["apk", "add", "jq"]
WORKDIR .
WORKDIR ./a/
ENTRYPOINT ["jq"]
