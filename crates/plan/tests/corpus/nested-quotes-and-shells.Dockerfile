# Quotes in quotes, subshells, braces, here-strings and a hash that begins no comment
FROM ubuntu:24.04
RUN bash -c 'echo "it'"'"'s fine" && echo "#not a comment"' # but this is the shell's
RUN echo '{"a": "b # c"}' > /etc/x.json && \
    printf '%s\n' "#!/bin/sh" 'exec "$@"' > /run.sh
RUN sed -i 's/\\(a\\)/\1/; s#/a#/b#g' /etc/x.json && awk '{print $1}' /etc/hosts | grep -v '^#' || :
RUN for d in a b; do \
      mkdir "/$d"; \
    done; (cd /a && touch {1..3}) 2>&1 | tee /log
ENV GREETING="say \"hi\"" PERCENT=100% HASH=#1 SEMI=a;b
CMD ["sh", "-c", "exec app --flag=\"$FLAG\" ${OPTS:+$OPTS}"]
