# Files straight out of other images, with a port, a digest and none of FROM's variables
FROM python:3.13-slim
COPY --from=ghcr.io/example/uv:0.9 /uv /uvx /bin/
COPY --from=nginx@sha256:4b7ce07002c69e8f3d704a9c5d6fd3053be500b7f1c69fc0d80990c2ad8dd412 /etc/nginx/mime.types /etc/
COPY --from=localhost:5000/team/certs:latest /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
RUN --mount=from=busybox:1.37,target=/busybox /busybox/bin/busybox true
RUN --mount=type=bind,from=ghcr.io/example/uv:0.9,source=/uv,target=/bin/uv \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    uv sync --locked --no-install-project
