# Flags of COPY in every order, owners by name, by number and by variable
FROM node:22-slim
ARG APP_UID=10001
ARG APP_GID=10001
USER ${APP_UID}:${APP_GID}
WORKDIR /app
COPY --link --chown=${APP_UID}:${APP_GID} package.json ./
COPY --chown=node:node --chmod=u=rwX,go=rX . .
COPY --chmod=755 --link=true entrypoint.sh /usr/local/bin/
COPY --link=false --chown=1000 README.md /
COPY --from=busybox:1.37-musl --chown=root:root /bin/busybox /bin/busybox
CMD ["node", "."]
