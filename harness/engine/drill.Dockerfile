# The image in which a drill runs beside its containers: an interpreter and the programs that runbooks call. The project itself
# and its packages are shown to it read-only, so the image changes only with this file.
ARG PYTHON=3.11
FROM python:${PYTHON}-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bash curl git iproute2 jq make postgresql-client procps redis-tools \
    && rm -rf /var/lib/apt/lists/*
LABEL gameday.image=drill
