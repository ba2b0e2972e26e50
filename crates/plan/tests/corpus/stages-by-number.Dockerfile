# Stages without names, copied from by number
FROM golang:1.12
WORKDIR $GOPATH/src/example.org/board
COPY go.mod go.sum ./
COPY vendor vendor
RUN go run build.go build

FROM node:10
WORKDIR /usr/src/app/
COPY package.json yarn.lock ./
RUN yarn install --pure-lockfile --no-progress
ENV NODE_ENV production
RUN ./node_modules/.bin/grunt build

FROM debian:stretch-slim
ARG BOARD_UID="472"
WORKDIR $BOARD_HOME
COPY --from=0 /go/src/example.org/board/bin/server /go/src/example.org/board/bin/cli ./bin/
COPY --from=1 /usr/src/app/public ./public
ENTRYPOINT [ "/run.sh" ]
