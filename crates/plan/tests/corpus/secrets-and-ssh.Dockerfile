# Secrets as a file, as a variable, as both, and an agent for a private repository
FROM node:22 AS deps
WORKDIR /app
COPY package.json yarn.lock ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc yarn install --frozen-lockfile
RUN --mount=type=secret,id=token,env=NPM_TOKEN,required --mount=type=secret,id=aws,mode=0400,uid=1000 npm whoami
RUN mkdir -p -m 0700 ~/.ssh && ssh-keyscan example.org >> ~/.ssh/known_hosts
RUN --mount=type=ssh git clone git@example.org:team/private.git /private
RUN --mount=type=ssh,id=deploy,required=true git -C /private fetch
RUN --mount=type=secret,src=netrc,dst=/root/.netrc curl -n https://example.org/
