# A machine learning image: repeated global arguments, long environment, wheels from another stage by bind mount
ARG CUDA_VERSION=12.8.0
FROM nvidia/cuda:${CUDA_VERSION}-devel-ubuntu22.04 AS wheels
ARG CUDA_VERSION=12.8.0
ARG PYTHON_VERSION=3.12
ARG torch_cuda_arch_list='7.0 7.5 8.0 8.9 9.0+PTX'
ENV TORCH_CUDA_ARCH_LIST=${torch_cuda_arch_list}
RUN echo 'tzdata tzdata/Areas select America' | debconf-set-selections \
    && curl -sS https://example.org/get-pip.py | python${PYTHON_VERSION}
WORKDIR /workspace
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install torch --index-url https://example.org/whl/cu$(echo $CUDA_VERSION | cut -d. -f1,2 | tr -d '.')
RUN pip wheel flash==${FLASH_VERSION:-2.7} --no-deps -w dist
FROM nvidia/cuda:${CUDA_VERSION}-runtime-ubuntu22.04 AS serve
RUN --mount=type=bind,from=wheels,src=/workspace/dist,target=/dist \
    --mount=type=cache,target=/root/.cache/pip \
    pip install /dist/*.whl --no-cache-dir
RUN ldconfig /usr/local/cuda-$(echo $CUDA_VERSION | cut -d. -f1,2)/compat/
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
FROM serve AS test
COPY tests /tests
FROM serve AS openai
ENTRYPOINT ["python3", "-m", "server.api"]
