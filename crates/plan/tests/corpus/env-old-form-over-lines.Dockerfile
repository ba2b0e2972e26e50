# The old form of ENV over several lines is one long value, comments and all blanks aside
FROM centos:7
ENV PACKAGES \
    gcc \
    # the linker
    binutils \
    make
ENV ESCAPED one\ two	three
ENV EMPTY ""
ENV EQUALS key=value of an option
ENV  TABBED	value
RUN yum install -y $PACKAGES
