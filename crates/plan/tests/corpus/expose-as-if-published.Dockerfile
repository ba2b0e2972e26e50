# EXPOSE written as if it published, ports by variable with a protocol
FROM rabbitmq:4
ARG PORT=5672
ENV MANAGEMENT=15672
EXPOSE $PORT/tcp ${MANAGEMENT}/tcp
EXPOSE 8080:8080
EXPOSE 127.0.0.1:9000:9000/tcp
EXPOSE 4369-4370:4369-4370
