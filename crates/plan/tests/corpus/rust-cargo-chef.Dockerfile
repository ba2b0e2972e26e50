# Dependencies planned in one stage and built in another, target folder in a cache
FROM lukemathwalker/cargo-chef:latest-rust-1 AS chef
WORKDIR /app
FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path recipe.json
FROM chef AS builder
COPY --from=planner /app/recipe.json recipe.json
RUN --mount=target=/build/target,type=cache cargo chef cook --release --recipe-path recipe.json
COPY server server
COPY Cargo.lock Cargo.toml .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/app/target,sharing=locked <<EOF
set -e
cargo build --release
objcopy --compress-debug-sections target/release/server ./server-bin
EOF
FROM debian:bookworm-slim AS runtime
COPY --from=builder /app/server-bin /usr/local/bin/server
ENTRYPOINT ["server"]
