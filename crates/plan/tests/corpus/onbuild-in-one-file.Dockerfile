# A stage with triggers and the stages that they run in, once each
FROM alpine:3.22 AS toolkit
ONBUILD ARG PROJECT=none
ONBUILD RUN echo "$PROJECT" > /project
ONBUILD COPY --chmod=644 bindep.txt /
FROM toolkit AS one
FROM toolkit AS two
RUN cat /project
FROM two AS grandchild
COPY --from=one /project /one
