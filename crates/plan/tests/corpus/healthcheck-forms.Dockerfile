# Every way to write HEALTHCHECK: the later one counts, a base image's can be switched off
FROM nginx:1.29 AS one
HEALTHCHECK CMD curl -f http://localhost/ || exit 1
HEALTHCHECK --interval=5m --timeout=3s \
  CMD ["curl", "-f", "http://localhost/"]
HEALTHCHECK --start-interval=1s --start-period=1m30s --interval=1h0m0.5s --timeout=500ms --retries=3 cmd wget -q --spider http://localhost || exit 1
FROM one AS two
HEALTHCHECK NONE
FROM two
healthcheck none
HEALTHCHECK   --timeout=0s   CMD   /bin/true
