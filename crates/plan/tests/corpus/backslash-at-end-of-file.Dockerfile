# The last line ends in a backslash, left over from a line that somebody removed
FROM alpine
RUN apk add --no-cache \
    curl \
