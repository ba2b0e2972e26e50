# syntax=docker/dockerfile:1
# Here-documents for COPY and ADD: several at once, beside files, with flags, expanded and not
FROM nginx:1.29
ARG PORT=8080
COPY <<no-recommends <<no-suggests /etc/apt/apt.conf.d/
APT::Install-Recommends "false";
no-recommends
APT::Install-Suggests "false";
no-suggests
COPY --chmod=755 --chown=nginx:nginx <<"EOS" /docker-entrypoint.d/50-hello.sh
#!/bin/sh
exec echo "$HOSTNAME listens \
 on ${PORT}"
EOS
COPY index.html <<robots.txt style.css /usr/share/nginx/html/
User-agent: *
robots.txt
ADD <<-EOF /etc/nginx/conf.d/default.conf
	server {
		listen ${PORT};
		location / { try_files \$uri =404; }
	}
EOF
