# How official images build from source on Alpine: virtual packages, one RUN of many tabs, what is linked is found out
FROM alpine:3.22
RUN addgroup -g 11211 cacher && adduser -D -u 11211 -G cacher cacher
ENV CACHER_VERSION 1.6.38
ENV CACHER_SHA1 0b1d3a4a1f2f5e3a6d0a1a4bd1c6e7d1d7a9a3c5
RUN set -eux; \
	\
	apk add --no-cache --virtual .build-deps \
		coreutils \
		gcc \
# the headers of the kernel
		linux-headers \
		make \
	; \
	\
	wget -O c.tgz "https://example.org/files/cacher-$CACHER_VERSION.tar.gz"; \
	echo "$CACHER_SHA1  c.tgz" | sha1sum -c -; \
	nproc="$(nproc)"; \
	make -j "$nproc"; \
	\
	runDeps="$( \
		scanelf --needed --nobanner --format '%n#p' --recursive /usr/local \
			| tr ',' '\n' \
			| awk 'system("[ -e /usr/local/lib/" $1 " ]") == 0 { next } { print "so:" $1 }' \
	)"; \
	apk add --no-network --virtual .cacher-rundeps $runDeps; \
	apk del --no-network .build-deps; \
	cacher -V
COPY docker-entrypoint.sh /usr/local/bin/
RUN ln -s usr/local/bin/docker-entrypoint.sh /entrypoint.sh # backwards compat
ENTRYPOINT ["docker-entrypoint.sh"]
USER cacher
CMD ["cacher"]
