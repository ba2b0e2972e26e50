# syntax=docker/dockerfile:1-labs
# Manifests of a workspace with their folders, sources without their tests
FROM node:24-alpine AS deps
WORKDIR /app
COPY pnpm-lock.yaml pnpm-workspace.yaml package.json ./
COPY --parents packages/*/package.json apps/**/package.json ./
COPY --parents vendor/plugins/./*/package.json plugins/
RUN --mount=type=cache,id=pnpm,target=/pnpm/store pnpm install --frozen-lockfile
COPY --exclude=*.test.ts --exclude=**/fixtures --exclude=!keep.test.ts . .
ADD --exclude=*.md --exclude=.github docs/ /docs/
