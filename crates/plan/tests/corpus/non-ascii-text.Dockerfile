# Text beyond ASCII in comments, labels, paths and here-documents: Gänsefüßchen „…“, 日本語, 🐳
FROM alpine:3.22
LABEL author="Zoë Brontë" 说明="中文"
ENV MOTTO=größer→besser
COPY ["données/été.txt", "/données/"]
COPY <<ÉTÉ /saison
chaud ☀
ÉTÉ
RUN echo "¡Hola, ${MOTTO}!" && \
    # コメント
    echo fin
