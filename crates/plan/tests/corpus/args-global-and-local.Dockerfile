# Arguments before FROM, asked for again inside, overridden, built upon, and one that is never asked for
ARG REGISTRY=docker.io
ARG NAMESPACE="library"
ARG TAG='22-alpine'
ARG IMAGE=${REGISTRY}/${NAMESPACE}/node:${TAG}
ARG A=1 B=2 C
FROM ${IMAGE} AS deps
ARG A
ARG B=two
ARG C
ARG D=${A}-${B}-${C:-none}
ARG TAG
RUN echo "$A $B $D $TAG $NAMESPACE"
FROM "${REGISTRY}/library/nginx:${NGINX_TAG:-stable}"
COPY --from=deps /dist /usr/share/nginx/html
