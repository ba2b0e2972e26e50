# Empty lines inside continued ones: deprecated for ten years, and still there
FROM ubuntu:22.04
RUN apt-get update && \

    apt-get install -y \
        wget \

        unzip


ENV ONE=1 \
  
    TWO=2
CMD ["bash"]
