# A chain of stages of which an argument chooses one, built with --build-arg DEVICE=cuda
ARG DEVICE=cpu
FROM python:3.12 AS builder-cpu
FROM builder-cpu AS builder-cuda
RUN pip wheel gpu-kernels
FROM builder-${DEVICE} AS builder
WORKDIR /usr/src
COPY poetry.lock pyproject.toml ./
RUN poetry install --no-root --with $DEVICE
FROM python:3.12-slim AS prod-cpu
FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04 AS prod-cuda
RUN apt-get update && apt-get install -y python3
FROM prod-${DEVICE} AS prod
ARG DEVICE
ENV DEVICE=${DEVICE} LD_PRELOAD=/usr/lib/libmimalloc.so.2
COPY --from=builder /opt/venv /opt/venv
