# docker build -t fanal .
# docker run -p 5060:5060/udp -p 5060:5060 -v fanal:/var/lib/fanal \
#   -e FANAL_SERVER__DOMAINS=pbx.example.com -e FANAL_TRANSPORT__ADVERTISE=192.0.2.10 fanal
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
# Calendars are fetched over TLS.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
RUN useradd --system --home-dir /var/lib/fanal --create-home --shell /usr/sbin/nologin fanal
COPY --from=build /src/target/release/fanal /usr/bin/fanal
USER fanal
ENV FANAL_STORE__PATH=/var/lib/fanal \
    FANAL_TRANSPORT__LISTEN=udp:0.0.0.0:5060,tcp:0.0.0.0:5060
VOLUME /var/lib/fanal
EXPOSE 5060/udp 5060/tcp
STOPSIGNAL SIGTERM
ENTRYPOINT ["fanal"]
CMD ["serve"]
