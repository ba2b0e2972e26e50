# A file system flattened by copying the root into an empty stage, its environment written again
FROM alpine:3.22 AS upgraded
RUN apk upgrade --no-cache
FROM scratch AS flat
COPY --from=upgraded / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["/bin/sh"]
FROM flat AS app
RUN adduser -D app
USER app
