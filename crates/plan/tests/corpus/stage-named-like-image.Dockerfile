# A stage with the name of the image that it stands on
FROM golang AS golang
RUN go version
FROM alpine:3.22 AS alpine
FROM golang AS build
COPY . .
FROM alpine
COPY --from=golang /usr/local/go/LICENSE /
COPY --from=build /go/bin/x /
