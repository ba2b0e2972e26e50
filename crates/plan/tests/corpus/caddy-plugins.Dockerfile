# Two tags of one image, the first only to compile, versions by global argument
ARG CADDY=2.10
FROM caddy:${CADDY}-builder AS builder
RUN xcaddy build \
    --with github.com/example/dns \
    --with github.com/example/cache=./cache
FROM caddy:${CADDY}
COPY --from=builder /usr/bin/caddy /usr/bin/caddy
