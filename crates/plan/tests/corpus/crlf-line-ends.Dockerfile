# Line ends of Windows throughout, in a continuation and in a here-document too
FROM node:22-alpine
WORKDIR /app
COPY package*.json ./
RUN npm ci --omit=dev \
    # comment
    && npm cache clean --force
COPY <<EOF /app/.env
PORT=8080
EOF
ENV NODE_ENV=production \
    PORT=8080
EXPOSE 8080
CMD [ "node", "server.js" ]
