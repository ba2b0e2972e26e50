# One service out of many by argument, in paths, names and filters, built with --build-arg SERVICE=billing
FROM node:22-alpine AS base
ARG SERVICE
FROM base AS prune
WORKDIR /app
RUN npm i -g turbo@^2
COPY . .
RUN turbo prune --scope=@shop/${SERVICE} --docker
FROM base AS installer
WORKDIR /app
COPY .gitignore .gitignore
COPY --from=prune /app/out/json/ .
COPY --from=prune /app/out/pnpm-lock.yaml ./pnpm-lock.yaml
RUN corepack enable && pnpm install
COPY --from=prune /app/out/full/ .
RUN pnpm turbo run build --filter=@shop/${SERVICE}...
FROM base
COPY --from=installer /app/apps/${SERVICE}/dist ./apps/${SERVICE}/dist
CMD node apps/billing/dist/main.js
