# A process supervisor unpacked over the root, for the architecture at hand
FROM alpine:3.22
ARG S6_VERSION=3.2.1.0
ARG TARGETARCH
ADD https://example.org/s6/v${S6_VERSION}/s6-overlay-noarch.tar.xz /tmp
ADD https://example.org/s6/v${S6_VERSION}/s6-overlay-${TARGETARCH}.tar.xz /tmp
RUN tar -C / -Jxpf /tmp/s6-overlay-noarch.tar.xz && \
  tar -C / -Jxpf /tmp/s6-overlay-${TARGETARCH}.tar.xz && \
  rm /tmp/s6-overlay*.tar.xz
COPY root/ /
ENV S6_BEHAVIOUR_IF_STAGE2_FAILS=2 \
    S6_CMD_WAIT_FOR_SERVICES_MAXTIME=0
EXPOSE 80/tcp 443/tcp 443/udp
VOLUME [ "/config", "/data" ]
ENTRYPOINT [ "/init" ]
