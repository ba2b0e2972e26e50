# Architecture and system in the name of an image, as release scripts of monitoring tools have it
ARG ARCH="amd64"
ARG OS="linux"
FROM quay.io/example/busybox-${OS}-${ARCH}:latest
LABEL maintainer="The Example Authors <devs@example.org>"

ARG ARCH="amd64"
ARG OS="linux"
COPY .build/${OS}-${ARCH}/gauge         /bin/gauge
COPY documentation/examples/gauge.yml  /etc/gauge/gauge.yml
COPY LICENSE NOTICE                    /

WORKDIR /gauge
RUN chown -R nobody:nobody /etc/gauge /gauge

USER       nobody
EXPOSE     9090
VOLUME     [ "/gauge" ]
ENTRYPOINT [ "/bin/gauge" ]
CMD        [ "--config.file=/etc/gauge/gauge.yml", \
             "--storage.path=/gauge" ]
