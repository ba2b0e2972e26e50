# A blank between the sign and the word, and a redirect before it, as shell scripts have it
FROM alpine:3.22
RUN cat > /etc/motd << 'EOF'
RUN is not an instruction here
EOF
RUN cat <<  END >> /etc/motd && \
    chmod 644 /etc/motd
second
END
ENTRYPOINT ["cat", "/etc/motd"]
