# An image for others to build on: triggers of every kind
FROM node:8
RUN mkdir -p /usr/src/app
WORKDIR /usr/src/app
ONBUILD ARG NODE_ENV
ONBUILD ENV NODE_ENV $NODE_ENV
ONBUILD COPY package.json package-lock.json* /usr/src/app/
ONBUILD RUN --mount=type=cache,target=/root/.npm \
            # a comment
            npm install && npm cache clean --force
onbuild copy . /usr/src/app
ONBUILD RUN <<EOF
npm run build
EOF
ONBUILD HEALTHCHECK --interval=5s CMD ["node", "health.js"]
ONBUILD EXPOSE 3000
CMD [ "npm", "start" ]
