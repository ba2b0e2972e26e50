# Labels: quoted keys, blanks in values, lines joined inside quotes, both kinds of quotes, JSON as a value
FROM busybox:1.37
ARG VCS_REF=unknown
LABEL "com.example.vendor"="Example Inc." \
      org.opencontainers.image.title='single "quoted"' \
      org.opencontainers.image.revision=${VCS_REF} \
      com.example.joined="a value over \
two lines" com.example.escaped=with\ blank \
      com.example.empty="" \
      com.example.dollar="\$HOME and '$VCS_REF'"
LABEL io.k8s.schema='{"type": "object", "a": [1, 2]}'
LABEL description  an old label with   blanks
LABEL multi.label1="value1" multi.label2="value2" other="value3"
