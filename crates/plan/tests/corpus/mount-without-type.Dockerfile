# Mounts that say no type are bind mounts; type comes last in others
FROM golang:1.26-alpine AS base
RUN apk add --no-cache gcc musl-dev
WORKDIR /src

FROM base AS version
RUN --mount=target=. \
    git describe --always | tee /tmp/.version

FROM base AS lint
RUN --mount=target=/src --mount=target=/root/.cache,type=cache \
    golangci-lint run

FROM base AS build
RUN --mount=target=.,rw --mount=target=/go/pkg/mod,type=cache,sharing=private \
    --mount=source=/tmp/.version,target=/tmp/.version,from=version <<EOT
  set -ex
  go build -ldflags "-X main.version=$(cat /tmp/.version)" -o /out/tool .
EOT

FROM base AS pack
RUN --mount=from=build --mount=from=version,src=/tmp/.version,dst=/v tar cf /all.tar .

FROM scratch
COPY --from=pack /all.tar /
