# Built in one stage, run in another that has neither pip nor what builds. Both have the same Python at the same place.
FROM python:3.13-slim-trixie AS build

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

# What is pinned, by its hashes (scripts/lock): a layer of its own, for it changes less often than the source.
COPY requirements.lock requirements-build.lock /src/
RUN python -m venv --without-pip /opt/verigrad \
    && pip --python /opt/verigrad/bin/python install --no-cache-dir --no-deps --only-binary :all: --require-hashes \
        --requirement /src/requirements.lock \
    && pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /src/requirements-build.lock

COPY pyproject.toml LICENSE /src/
COPY engine /src/engine
COPY service /src/service
RUN pip wheel --no-cache-dir --no-deps --no-index --no-build-isolation --wheel-dir /src/dist /src \
    && pip --python /opt/verigrad/bin/python install --no-cache-dir --no-deps --no-index /src/dist/*.whl


FROM python:3.13-slim-trixie

# A number, so that an orchestrator can see that it is not root; and the one folder that it may write to. A volume that is
# made there belongs to it.
RUN groupadd --gid 10001 verigrad \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin verigrad \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data \
    && rm -rf /usr/local/lib/python3.13/site-packages/pip* /usr/local/lib/python3.13/ensurepip /usr/local/bin/pip*

COPY --from=build /opt/verigrad /opt/verigrad

# Others reach this host, so it starts only with keys, or with VERIGRAD_ALLOW_ANONYMOUS=true.
# PYTHONSAFEPATH: nothing is imported from the working directory, which is where data are.
ENV PATH=/opt/verigrad/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    VERIGRAD_HOST=0.0.0.0 \
    VERIGRAD_DATA_DIR=/data

ARG SOURCE=""
ARG REVISION=""
ARG CREATED=""
LABEL org.opencontainers.image.title="Verigrad" \
      org.opencontainers.image.description="A gradient-verification microservice: keys confirmed twice, answers marked as a good assistant would." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 CMD ["verigrad", "healthy"]

ENTRYPOINT ["verigrad"]
CMD ["serve"]
