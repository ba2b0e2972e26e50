# A whole host as an image: systemd inside, lint at the end, comment lines between labels
FROM quay.io/fedora/fedora-bootc:43@sha256:4b7ce07002c69e8f3d704a9c5d6fd3053be500b7f1c69fc0d80990c2ad8dd412
SHELL ["/bin/bash", "-c"]
RUN --mount=target=/git set -euo pipefail && \
	for file in /git/src/*.sh; do bash "$file" || exit; done
COPY etc /etc
RUN systemctl --root=/ enable sshd.service && bootc container lint
LABEL containers.bootc=1
STOPSIGNAL SIGRTMIN+3
HEALTHCHECK CMD ["/bin/true"]
CMD ["/sbin/init"]
