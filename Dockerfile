# syntax=docker/dockerfile:1
#
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg COMMIT=$(git rev-parse HEAD) --tag REGISTRY/eni-agent:0.1.0 --push .
#
# The bundle is plain JavaScript, the same for every architecture: it is built once, on the machine that builds. Only the last stage
# is per architecture. It holds node itself but neither npm nor a compiler.

# Releases pass both by digest (.github/workflows/release.yml).
ARG NODE_IMAGE=node:22-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY build.ts tsconfig.json ./
COPY agent agent
COPY lib lib
COPY daemonset/image /app/
# What `eni-agent version` says beside the version: the history is not part of the build.
ARG COMMIT=
RUN npm run build -- --outfile=/app/eni-agent.mjs && rm /app/meta.json /app/eni-agent.mjs.map \
 && chmod 0755 /app/eni-agent /app/script.sh /app/entrypoint.sh

FROM ${NODE_IMAGE} AS node

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="eni-agent" \
      org.opencontainers.image.description="Keeps the EC2 addresses of a Kubernetes node in step with what its pods really use" \
      org.opencontainers.image.licenses="Apache-2.0"
# ip: reads addresses and follows kernel events. nsenter (util-linux): enters a pod's network namespace. libstdc++6: node.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends iproute2 util-linux libstdc++6 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
COPY LICENSE /app/LICENSE

# The compile cache halves the time to start. The folder is an emptyDir in the manifests, so that the root file system can be
# read-only; where it cannot be written, node starts without a cache. A fixed trim threshold makes the
# allocator give freed memory back; its own grows with the largest block ever freed (43 instead of 31 MB anonymous at 110 pods).
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/var/cache/eni-agent \
    MALLOC_TRIM_THRESHOLD_=131072 \
    PATH=/app:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN mkdir -m 1777 /var/cache/eni-agent

# root, because capabilities and the CNI cache (mode 0700) belong to root; the manifests drop every capability that is not needed.
ENTRYPOINT ["/app/entrypoint.sh"]
CMD ["--help"]
