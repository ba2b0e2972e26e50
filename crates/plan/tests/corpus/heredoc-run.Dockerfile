# syntax=docker/dockerfile:1
# Here-documents for RUN: for the shell, for another program, with a first line of their own, quoted, with tabs, with a number
FROM python:3.13
RUN <<EOF
set -e
apt-get update
# a comment of the shell
apt-get install -y vim
EOF
RUN <<EOT bash
  echo "$BASH_VERSION" > /version
EOT
RUN <<'PY'
#!/usr/bin/env python3
import sys
print("FROM here", sys.version)
PY
RUN python3 <<-"DOC" > /out && cat /out
	print("""
	EOF
	""")
	DOC
RUN cat /proc/self/fd/5 /proc/self/fd/6 5<<ONE 6<<TWO > /both
first
ONE
second
TWO
