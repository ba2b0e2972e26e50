# Every way to take a variable apart, in the instructions that fill variables in
FROM busybox:1.37
ENV FOO=/bar str=foobarbaz EMPTY=
WORKDIR ${FOO:-/fallback}
WORKDIR ${FOO:+/set}
WORKDIR /${EMPTY-unset}${EMPTY:-empty}
WORKDIR /${str#f*b}/${str##f*b}
WORKDIR /${str%b*}/${str%%b*}
WORKDIR /${str/ba/fo}/${str//ba/fo}
WORKDIR /${UNKNOWN:-${str}}/$str.d
COPY \$FOO /quux
ENV abc=hello
ENV abc=bye def=$abc
ENV quoted="$abc" single='$abc' both="'$abc'" escaped=\$abc PATH=$PATH:/opt/bin
USER ${EMPTY:-nobody}:${EMPTY:-nogroup}
