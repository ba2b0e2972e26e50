# Many small stages that fetch one tool each, and one that gathers them
FROM --platform=$BUILDPLATFORM alpine:3.22 AS fetch
RUN apk add --no-cache curl
ARG TARGETARCH
FROM fetch AS kubectl
ARG KUBECTL=v1.34.1
RUN curl -fsSLo /kubectl https://example.org/$KUBECTL/bin/linux/$TARGETARCH/kubectl
FROM fetch AS helm
ARG HELM=v3.19.0
RUN curl -fsSL https://example.org/helm-$HELM-linux-$TARGETARCH.tar.gz | tar xz
FROM fetch AS unused
RUN curl -fsSLo /yq https://example.org/yq_linux_$TARGETARCH
FROM alpine:3.22
COPY --link --from=kubectl --chmod=755 /kubectl /usr/local/bin/
COPY --link --from=helm --chmod=755 /linux-*/helm /usr/local/bin/
