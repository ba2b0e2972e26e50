# Comments between the lines of one RUN, indented, in column 0, two in a row, and right before the end
FROM debian:bookworm
RUN apt-get update \
    # for the certificates
    && apt-get install -y --no-install-recommends \
        ca-certificates \
# column 0, with a backslash at its end \
        curl \
        # two lines
        # of them
        git \
        # htop \
    && rm -rf /var/lib/apt/lists/*
ENV A=1 \
    # B is not set \
    C=3
RUN true \
    # the last line of all is a comment
