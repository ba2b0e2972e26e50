# FROM an argument without a default, as Makefiles of pause containers have it, built with --build-arg BASE=mcr.microsoft.com/windows/nanoserver:ltsc2022 --build-arg ARCH=amd64
ARG BASE
FROM ${BASE}
ARG ARCH
ADD bin/wait-windows-${ARCH}.exe /wait.exe
# Builders for Linux put a PATH of Linux there.
ENV PATH="C:\Windows\system32;C:\Windows;"
ENTRYPOINT ["/wait.exe"]
