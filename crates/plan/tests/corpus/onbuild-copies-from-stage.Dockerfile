# A trigger that copies from another stage of the file, which nothing else names
FROM alpine:3.22 AS assets
RUN echo asset > /asset
FROM alpine:3.22 AS runtime
ONBUILD COPY --from=assets /asset /asset
FROM runtime
CMD ["cat", "/asset"]
