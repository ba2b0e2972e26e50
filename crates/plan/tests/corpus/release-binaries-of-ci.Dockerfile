# Binaries that CI has made beforehand, in a folder for each platform; several products from one file
FROM alpine:3 AS default
ARG BIN_NAME
ARG NAME=keeper
ARG VERSION
ARG TARGETOS TARGETARCH
LABEL version=$VERSION
ENV NAME=$NAME
ENV VERSION=$VERSION
RUN addgroup ${NAME} && adduser -S -G ${NAME} ${NAME}
COPY dist/$TARGETOS/$TARGETARCH/$BIN_NAME /bin/
VOLUME /keeper/logs
VOLUME /keeper/file
EXPOSE 8200
# # A comment in a comment.
CMD ["server", "-dev"]

FROM registry.access.redhat.com/ubi9/ubi-minimal AS ubi
ARG TARGETOS TARGETARCH
COPY dist/$TARGETOS/$TARGETARCH/$BIN_NAME /bin/
RUN microdnf install -y shadow-utils && microdnf clean all
USER 100:1000

FROM default
