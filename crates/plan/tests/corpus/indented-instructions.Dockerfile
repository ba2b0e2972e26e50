  # Instructions that are indented by blanks and tabs, as generators leave them
  FROM ubuntu:24.04

	ARG DEBIAN_FRONTEND=noninteractive
 ENV LANG='C.UTF-8' LANGUAGE='C.UTF-8' LC_ALL='C.UTF-8'
    RUN apt-get update && \
	apt-get install -y tzdata

	COPY s6/ /etc
  VOLUME /config
