# CI gives every image the same arguments, and this one declares only some, built with --build-arg BUILD_DATE=2026-01-01 --build-arg VERSION=1.2.3 --build-arg COMMIT=abc
FROM debian:bookworm-slim
ARG VERSION
LABEL version=${VERSION:-dev}
COPY server /usr/local/bin/
CMD server
