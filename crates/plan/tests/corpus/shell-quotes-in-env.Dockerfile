# Values that were written for a shell: quotes closed and opened in the middle, a command that never runs
FROM alpine:3.22
ENV A='it'\''s' B="a"'b'"c" C=$(uname) D=\"x\" E=a\\b
ENV F "quoted" and not
ENV G=$A:$UNSET: H=${A}_${UNSET}_ I=$A_B
ARG J=$(date) K=`hostname`
LABEL l="$A" m='$A'
