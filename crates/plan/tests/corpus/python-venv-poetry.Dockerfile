# A virtual environment built in one stage and taken to the next
FROM python:3.13-slim AS python-base
ENV PYTHONUNBUFFERED=1 \
    # no .pyc
    PYTHONDONTWRITEBYTECODE=1 \
    \
    # pip
    PIP_NO_CACHE_DIR=off \
    \
    # poetry
    POETRY_HOME="/opt/poetry" \
    VENV_PATH="/opt/pysetup/.venv"
ENV PATH="$POETRY_HOME/bin:$VENV_PATH/bin:$PATH"
FROM python-base AS builder-base
WORKDIR /opt/pysetup
COPY poetry.lock pyproject.toml ./
RUN poetry install --only main
FROM python-base AS production
COPY --from=builder-base $VENV_PATH $VENV_PATH
COPY ./app /app/
CMD ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "main:app"]
