# Recognition in a container, for x86-64 and aarch64:
#   docker buildx build --platform linux/amd64,linux/arm64 -t edgevtn .
#   docker run --rm --read-only --tmpfs /tmp --device /dev/video0 --group-add "$(getent group video | cut -d: -f3)" \
#     -v edgevtn-cache:/var/cache/edgevtn edgevtn run 0 --json
# Without a name for the volume each new container compiles the kernels. The user has no name and no rights beyond the group's.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv python3-dev gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN python3 -m venv /opt/edgevtn && /opt/edgevtn/bin/pip install --no-cache-dir '/src[mqtt,serve]' \
    && /opt/edgevtn/bin/pip uninstall -y pip setuptools

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 /var/cache/edgevtn /var/lib/edgevtn
COPY --from=build /opt/edgevtn /opt/edgevtn
USER 10001:10001
ENV PATH=/opt/edgevtn/bin:$PATH EDGEVTN_CACHE=/var/cache/edgevtn XDG_STATE_HOME=/var/lib/edgevtn PYTHONDONTWRITEBYTECODE=1
VOLUME /var/cache/edgevtn /var/lib/edgevtn
ENTRYPOINT ["edgevtn"]
CMD ["doctor"]
