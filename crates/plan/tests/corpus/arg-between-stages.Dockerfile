# An argument declared at the end of a stage for the next FROM, where only the global one counts
ARG REGISTRY_VERSION=2.8.3
FROM alpine:3.22 AS other
RUN true

ARG REGISTRY_VERSION
FROM registry:$REGISTRY_VERSION AS registry

FROM scratch
COPY --from=registry /bin/registry /
