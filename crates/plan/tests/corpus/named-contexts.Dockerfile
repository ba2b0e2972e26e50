# Folders beside the context that the command line names, built with --build-context docs --build-context shared
FROM alpine:3.22
COPY --from=docs / /docs
RUN --mount=from=shared,target=/shared cp /shared/x /x
