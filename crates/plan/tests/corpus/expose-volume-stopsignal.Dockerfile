# Ports in ranges, by variable, in capital letters; volumes in both forms; signals by name, number and variable
FROM debian:bookworm-slim
ARG PORTS="7000-7002 9000/UDP"
ENV SIG=SIGQUIT
EXPOSE 80 443/TCP 5060-5062/udp 8080-8082
EXPOSE $PORTS
EXPOSE ${MISSING:-1234}
VOLUME /var/lib/a /var/lib/b
VOLUME ["/var/lib/c", "/var/lib/with blank"]
VOLUME ${SIG}/data
STOPSIGNAL SIGRTMIN+3
STOPSIGNAL 9
STOPSIGNAL $SIG
