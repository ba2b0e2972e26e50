# A stack of notebooks: owner, user and group by argument, a strict shell, permissions mended after each step
ARG OWNER=example
ARG BASE_CONTAINER=quay.io/$OWNER/minimal-notebook
FROM $BASE_CONTAINER
LABEL maintainer="Notebook Team <team@example.org>"
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
USER root
RUN apt-get update --yes && \
    apt-get install --yes --no-install-recommends \
    # for cython
    build-essential \
    # for animations
    ffmpeg && \
    apt-get clean && rm -rf /var/lib/apt/lists/*
USER ${NB_UID}
RUN mamba install --yes \
    'altair' \
    'beautifulsoup4>=4.12' && \
    mamba clean --all -f -y && \
    fix-permissions "${CONDA_DIR}" && \
    fix-permissions "/home/${NB_USER}"
ENV XDG_CACHE_HOME="/home/${NB_USER}/.cache/"
WORKDIR "${HOME}"
