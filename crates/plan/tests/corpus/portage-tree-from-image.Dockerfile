# A package tree out of one image into another, which is then thrown away
ARG BOOTSTRAP
FROM ${BOOTSTRAP:-gentoo/portage:latest} AS portage
FROM gentoo/stage3:latest
COPY --from=portage /var/db/repos/gentoo /var/db/repos/gentoo
RUN echo 'FEATURES="-ipc-sandbox -network-sandbox"' >> /etc/portage/make.conf \
 && emerge -qv www-servers/nginx \
 && rm -rf /var/db/repos/gentoo
