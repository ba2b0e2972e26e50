# `--platform` with nothing but a system: the architecture is that of the machine that builds
FROM --platform=linux python:3.13-slim AS builder
RUN pip install build
FROM --platform=linux/arm/v7 alpine:3.22 AS small
FROM python:3.13-slim
COPY --from=builder /dist /dist
COPY --from=small /etc/os-release /etc/os-release.small
