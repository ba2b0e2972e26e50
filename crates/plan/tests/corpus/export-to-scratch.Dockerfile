# syntax=docker/dockerfile:1
# A tool, not an image: validate and update end in empty stages, built with --target update
FROM golang:1.26-alpine AS base
RUN apk add --no-cache git rsync
WORKDIR /src
FROM base AS vendored
RUN --mount=target=/context \
    --mount=target=.,type=tmpfs \
    --mount=target=/go/pkg/mod,type=cache <<EOT
  set -e
  rsync -a /context/. .
  go mod tidy && go mod vendor
  mkdir /out && cp -r go.mod go.sum vendor /out
EOT
FROM scratch AS update
COPY --from=vendored /out /out
FROM vendored AS validate
RUN --mount=target=.,rw <<EOT
  git add -A
  git diff --exit-code
EOT
