# syntax=docker/dockerfile:1
# One image with the sample's services, its sandbox gateway and the `kolo` command; a container's command says which it runs.
#
#     docker build --tag kolo-shop .
#     docker run --rm kolo-shop kolo publish OrderCreated    # what fields does the event have?
#
# A service of your own needs the same two stages, with its own packages and binaries.

# The Rust that Cargo.toml asks for at least. rust-toolchain.toml, which would have rustup download another one, is left out.
FROM rust:1.95.0-slim-bookworm AS rust
ENV CARGO_INCREMENTAL=0
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# librdkafka and zstd are C; librdkafka speaks TLS by OpenSSL.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/* \
    && cargo install --locked cargo-chef@0.1.78
WORKDIR /src
# With traces, which are sent to OTEL_EXPORTER_OTLP_ENDPOINT, and with TLS to the brokers.
ENV FEATURES=order/otlp,inventory/otlp,payment/otlp,shop/otlp,order/tls,inventory/tls,payment/tls,shop/tls,kolo-cli/tls

# What the dependencies are, and nothing of the code: the layer that builds them lasts as long as that stays the same.
FROM rust AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM rust AS build
COPY --from=recipe /src/recipe.json .
RUN cargo chef cook --locked --release --recipe-path recipe.json \
    --features "$FEATURES" --package order --package inventory --package payment --package shop --package kolo-cli
COPY . .
RUN cargo build --locked --release --features "$FEATURES" \
    --package order --package inventory --package payment --package shop --package kolo-cli \
    && mkdir /bin/kolo-shop \
    && mv target/release/order target/release/inventory target/release/payment target/release/shop target/release/kolo \
    /bin/kolo-shop/

FROM debian:bookworm-slim
# OpenSSL, and the roots that a broker, a schema registry or a gateway is known by.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin kolo \
    # A new volume gets the owner of what it is mounted on.
    && install --directory --owner kolo --group kolo /var/lib/kolo
COPY --from=build /bin/kolo-shop/ /usr/local/bin/
COPY schemas/avro /usr/share/kolo/schemas/avro
COPY schemas/published /usr/share/kolo/schemas/published
ENV KOLO_SCHEMAS=/usr/share/kolo/schemas/avro \
    KOLO_STATE_DIR=/var/lib/kolo
# By number: Kubernetes does not know names.
USER 10001:10001
WORKDIR /var/lib/kolo
CMD ["kolo", "--help"]
