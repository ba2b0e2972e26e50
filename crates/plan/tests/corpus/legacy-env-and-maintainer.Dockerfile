# What was written in 2014: MAINTAINER, ENV and LABEL with a blank for a sign, ADD for everything
FROM ubuntu:14.04
MAINTAINER Ann Example <ann@example.org> (http://example.org)

ENV HOME /root
ENV DEBIAN_FRONTEND noninteractive
ENV JAVA_OPTS -Xmx512m  -Dfile.encoding=UTF-8 -Dname="two words"
ENV PATH $PATH:/opt/jetty/bin
LABEL maintainer "Ann Example" with blanks
ADD . /srv/app
ADD start.sh /start.sh
RUN chmod 755 /start.sh
RUN rm /bin/sh && ln -s /bin/bash /bin/sh
VOLUME /data
EXPOSE 8080 22
CMD /start.sh
