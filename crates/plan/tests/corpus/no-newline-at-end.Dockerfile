# The last line has no line end, and it is continued nowhere
FROM alpine
RUN echo one && \
    echo two