# syntax=docker/dockerfile:1
# A server of carbon maps, and the command line to build them with: docker build -t carbonmap .

FROM node:22-bookworm-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.12-slim-bookworm AS program
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/carbonmap
ENV PATH=/opt/carbonmap/bin:$PATH
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY . ./
COPY --from=web /web/dist web/dist
RUN pip install --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="carbonmap" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home carbonmap \
    && install -d -o carbonmap -g carbonmap /data /data/store /var/cache/carbonmap
COPY --from=program /opt/carbonmap /opt/carbonmap
ENV PATH=/opt/carbonmap/bin:$PATH \
    CARBONMAP_STORE=/data/store \
    CARBONMAP_LOG_FORMAT=json \
    NUMBA_CACHE_DIR=/var/cache/carbonmap \
    NUMBA_CPU_NAME=generic
USER 10001
# Compiled here, so that no start of a container does; for any processor of this kind, not only the one it was made on.
RUN python -m carbonmap.warm_up
# Beside the store stand files made for downloads, and keys if no other database is named.
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/health', timeout=4)"]
ENTRYPOINT ["carbonmap"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
