# syntax=docker/dockerfile:1
# Switchboard in a container: docker build -t switchboard . (compose.yaml runs it with its stores).
# The version is pinned; package.json's `engines` admit it, and CI tests it. Debian's libc, because the embedded PostgreSQL has no musl build.
ARG NODE=20.20.2-bookworm-slim

FROM node:${NODE} AS build
ENV CHECKPOINT_DISABLE=1
WORKDIR /app
# What changes seldom first, so that a change of the code does not install everything anew. `prepare` needs the code, so scripts run below.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run prepare

# The embedded PostgreSQL is among them, so that a container alone runs too. It needs no script of its package: see clients/postgres/embedded/.
FROM node:${NODE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:${NODE}
# 0.0.0.0 needs an ADMIN_API_KEY: without one Switchboard refuses to start (exit code 78).
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/commands/locales ./commands/locales
COPY --from=build /app/prisma/migrations ./prisma/migrations
COPY --from=build /app/http/docs ./http/docs
COPY package.json ./
RUN ln -s /app/dist/bin/switchboard.js /usr/local/bin/switchboard && chmod +x dist/bin/switchboard.js && install -d -o node -g node /data
USER node
VOLUME /data
EXPOSE 8080
# SIGTERM: takes no more work, finishes what runs (10 s at most), exits with 0. node gets it itself, for no shell is in between.
STOPSIGNAL SIGTERM
# Whether the process lives. /readyz also asks for its stores: what waits for a database is not to be restarted. A container without the role http
# has nothing to ask: switch the check off there, as compose.yaml does.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/bin/switchboard.js", "serve"]
