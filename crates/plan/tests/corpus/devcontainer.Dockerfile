# A development container: the comment in brackets that tools read, options in arguments, a user by variable
# [Choice] Debian version: bookworm, bullseye
ARG VARIANT="bookworm"
FROM mcr.microsoft.com/devcontainers/base:0-${VARIANT}
# [Option] Install Node: lts/*, none
ARG NODE_VERSION="none"
ARG USERNAME=vscode
ARG USER_UID=1000
ARG USER_GID=$USER_UID
RUN if [ "${NODE_VERSION}" != "none" ]; then su ${USERNAME} -c "umask 0002 && nvm install ${NODE_VERSION} 2>&1"; fi
RUN groupmod --gid $USER_GID $USERNAME \
    && usermod --uid $USER_UID --gid $USER_GID $USERNAME
# [Optional] Uncomment this section.
# RUN apt-get update \
#     && apt-get -y install <your-package-list>
USER $USERNAME
ENV DOTNET_ROOT=/home/${USERNAME}/.dotnet
