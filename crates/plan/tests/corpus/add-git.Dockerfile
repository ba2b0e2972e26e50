# syntax=docker/dockerfile:1
# ADD of repositories: by tag, by folder, by ssh, with a query, with and without `.git`
FROM alpine:3.22 AS src
ARG REF=v2.9.0
ADD https://github.com/example/engine.git#${REF} /src/engine
ADD --keep-git-dir=true https://github.com/example/docs.git#main:content /src/docs
ADD git@github.com:example/private.git /src/private
ADD --checksum=24454f830cdb571e2c4ad15481119c43b3cafd48 https://github.com/example/lib.git?tag=v1.0 /src/lib
ADD ssh://git@example.org/team/tool.git#trunk /src/tool
ADD github.com/not/a/repository /src/path
FROM scratch
COPY --link --from=src /src /
