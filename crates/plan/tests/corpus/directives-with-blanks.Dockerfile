#   Syntax = docker/dockerfile:1.4
# ESCAPE=\
# check=skip=StageNameCasing,JSONArgsRecommended;error=true
# All three directives, with blanks around the sign and in other letter cases
from alpine:3.22 AS Tools
run apk add --no-cache jq
CMD jq --version
