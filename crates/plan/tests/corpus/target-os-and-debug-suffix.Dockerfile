# The last FROM puts its stage's name together of the system and a suffix that a build argument switches on, built with --build-arg DEBUG=1
ARG DEBUG
FROM alpine:3.22 AS tool-linux
RUN apk add --no-cache fuse3
FROM tool-linux AS tool-linux-debug
RUN apk add --no-cache gdb
FROM scratch AS tool-darwin
COPY bin/darwin/tool /
FROM tool-darwin AS tool-windows
FROM tool-$TARGETOS${DEBUG:+-debug} AS tool
ENTRYPOINT ["/tool"]
