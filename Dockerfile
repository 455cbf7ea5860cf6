FROM python:3.13-slim

# Others reach this host, so the container starts only with VERIGRAD_KEYS, or with VERIGRAD_ALLOW_ANONYMOUS=true.
ENV PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    VERIGRAD_HOST=0.0.0.0 \
    VERIGRAD_DATA_DIR=/data

COPY pyproject.toml LICENSE /src/
COPY engine /src/engine
COPY service /src/service
RUN pip install --no-cache-dir --root-user-action=ignore /src

# A number, so that an orchestrator can see that it is not root.
RUN useradd --system --uid 10001 --create-home verigrad \
    && install --directory --owner=10001 --mode=0700 /data
# Jobs and their results; a volume that is made here belongs to the user above.
VOLUME /data
USER 10001
WORKDIR /home/verigrad
EXPOSE 8000

# No proxy: the service is in this container, whatever HTTP_PROXY says.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD python -c "import urllib.request as u; \
u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:8000/healthz', timeout=4)"

CMD ["verigrad", "serve"]
