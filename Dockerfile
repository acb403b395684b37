#   docker build -t evalsvc .
#   docker run --rm --read-only -e OPENAI_API_KEY -v "$PWD/eval.yaml:/eval/eval.yaml:ro" -v "$PWD/data:/eval/data:ro" -v runs:/eval/runs evalsvc run eval.yaml
#
# Behind a mirror or a company's certificate: --secret id=pip,src=pip.conf --secret id=ca,src=company.pem, neither of which stays in the image.
# More of evalsvc's extras: --build-arg EXTRAS=mlflow,pandas.

# A Debian or Ubuntu with Python 3.11 or newer
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get -o Acquire::Retries=5 update \
    && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 install --yes --no-install-recommends python3 python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# pip stands beside what it installs, so that it is not in the final image
RUN python3 -m venv /build/pip && python3 -m venv --without-pip /opt/evalsvc
ENV PIP_RETRIES=10 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY deploy/image/*.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/secrets/ca \
    pip/bin/pip install --require-hashes --requirement build-requirements.txt \
    && pip/bin/pip --python /opt/evalsvc/bin/python install --require-hashes --only-binary :all: --requirement requirements.txt
COPY . source
RUN pip/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir wheels ./source \
    && pip/bin/pip --python /opt/evalsvc/bin/python install --no-deps --no-index wheels/*.whl
ARG EXTRAS=
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/secrets/ca \
    if [ -n "${EXTRAS}" ]; then pip/bin/pip --python /opt/evalsvc/bin/python install "$(echo wheels/*.whl)[${EXTRAS}]"; fi
# Nobody can write bytecode later on: without it here every start would compile everything anew
RUN /opt/evalsvc/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/evalsvc/lib

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="evalsvc" \
      org.opencontainers.image.description="Runs a large labelled test set through any OpenAI-compatible model, survives being killed, and answers with numbers a team can decide on." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A volume that is mounted at /eval/runs for the first time takes over owner and mode; group 0 is what a cluster gives to users that it makes up.
RUN apt-get -o Acquire::Retries=5 update \
    && DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=5 install --yes --no-install-recommends python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && install --directory --owner=65532 --group=0 --mode=0775 /eval /eval/runs
COPY --from=build /opt/evalsvc /opt/evalsvc
COPY LICENSE /usr/share/doc/evalsvc/LICENSE
# Nothing is written but /eval/runs; a library that insists on a home of its own finds /tmp, if that can be written
ENV PATH=/opt/evalsvc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    EVALSVC_LOG=json
WORKDIR /eval
# A number, so that a cluster can see that it is not root's. Any other will do as well.
USER 65532:65532
STOPSIGNAL SIGTERM
# No CMD: a job that lost its arguments is to end with 2, and not to have passed
ENTRYPOINT ["evalsvc"]
