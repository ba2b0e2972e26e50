# A licence of ten lines comes first, so what looks like a directive below is a comment
#
# Permission is given to whom it may concern.
# escape=`
# syntax=docker/dockerfile:1

FROM alpine
RUN echo one \
 && echo two
