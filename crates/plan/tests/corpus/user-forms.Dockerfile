# Every way to name a user
FROM debian:bookworm
ARG UID=1000 GID=1000
ENV APP_USER=app
RUN groupadd -g $GID app && useradd -u $UID -g $GID -m app
USER app
USER app:app
USER 1000
USER $UID:$GID
USER ${APP_USER}:0
USER "app"
WORKDIR /home/${APP_USER}
WORKDIR src/./x/..
WORKDIR ../lib
