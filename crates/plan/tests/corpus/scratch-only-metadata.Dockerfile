# An image without a single file
FROM scratch
LABEL org.opencontainers.image.description="only words"
ENV EMPTY=yes
