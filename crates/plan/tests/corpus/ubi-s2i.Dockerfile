# A builder image for source-to-image: labels for the platform, scripts in a folder that a label names, an arbitrary user
FROM registry.access.redhat.com/ubi9/s2i-base:1
ENV NODEJS_VERSION=22 \
    NAME=nodejs \
    NPM_CONFIG_PREFIX=$HOME/.npm-global \
    PATH=$HOME/node_modules/.bin/:$HOME/.npm-global/bin/:$PATH
ENV SUMMARY="Platform for $NAME $NODEJS_VERSION" \
    DESCRIPTION="$NAME $NODEJS_VERSION as a container, \
with an event loop."
LABEL summary="$SUMMARY" \
      io.openshift.expose-services="8080:http" \
      io.openshift.s2i.scripts-url="image:///usr/libexec/s2i" \
      usage="s2i build <SOURCE-REPOSITORY> ubi9/$NAME:latest <APP-NAME>"
RUN INSTALL_PKGS="make gcc nodejs" && \
    dnf -y --setopt=tsflags=nodocs install $INSTALL_PKGS && \
    rpm -V $INSTALL_PKGS
COPY ./s2i/bin/ $STI_SCRIPTS_PATH
RUN chown -R 1001:0 ${APP_ROOT} && chmod -R ug+rwx ${APP_ROOT}
USER 1001
CMD $STI_SCRIPTS_PATH/usage
