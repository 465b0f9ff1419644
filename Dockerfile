# Two stages: uv builds the environment from uv.lock, the image carries that and nothing to build with.
FROM ghcr.io/astral-sh/uv:0.13-python3.13-bookworm-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
COPY pyproject.toml uv.lock ./
# Dependencies first: they change less often than the code.
RUN uv sync --locked --no-dev --no-install-project
COPY . .
RUN uv sync --locked --no-dev --no-editable

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 warn && useradd --uid 10001 --gid warn --no-create-home --home-dir /data warn \
    && install --directory --owner=warn --group=warn /data
# The environment keeps its path, because its scripts name it.
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/-/healthy', timeout=4)"]
ENTRYPOINT ["warn"]
CMD ["run"]
