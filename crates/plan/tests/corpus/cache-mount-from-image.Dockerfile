# A cache that starts as a folder of an image, with an owner and a mode
FROM nixos/nix:2.28.3 AS builder
WORKDIR /tmp/build
RUN --mount=type=cache,target=/nix,from=nixos/nix:2.28.3,source=/nix \
    --mount=type=cache,target=/root/.cache,uid=0,gid=0,mode=0755 \
    --mount=type=bind,target=/tmp/build \
    <<EOF
  nix --extra-experimental-features "nix-command flakes" build --out-link /tmp/result
  cp -R $(nix-store -qR /tmp/result) /tmp/closure
EOF

FROM scratch
WORKDIR /app
COPY --from=builder /tmp/closure /nix/store
COPY --from=builder /tmp/result /app
CMD ["/app/bin/app"]
