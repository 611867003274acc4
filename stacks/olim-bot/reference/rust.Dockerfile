# The two-stage build of the Rust original (Serenity, SQLx): kept as the model of ../Dockerfile, and parsed by a test.
# Not built here. rust:1.91-bullseye and debian:bullseye-slim stand as the original has them; libssl1.1 has no updates any more.
FROM rust:1.91-bullseye AS builder
WORKDIR /app
COPY Cargo.toml Cargo.lock ./
COPY src ./src
COPY .sqlx ./.sqlx
ENV SQLX_OFFLINE=true
RUN cargo build --release

FROM debian:bullseye-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl1.1 ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 1000 --no-create-home botuser
WORKDIR /app
COPY --from=builder /app/target/release/bot-olim-p-code /app/bot
USER botuser
CMD ["/app/bot"]
