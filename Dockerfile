# The control plane, the CLI and the demo's services in one image: `node dist/apps/...`.
FROM node:24-bookworm-slim AS build
WORKDIR /heddle
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional

FROM node:24-bookworm-slim
WORKDIR /heddle
COPY --from=build /heddle/package.json ./
COPY --from=build /heddle/node_modules ./node_modules
COPY --from=build /heddle/dist ./dist
COPY --from=build /heddle/proto/services ./proto/services
COPY --from=build /heddle/envoy/versions.json ./envoy/versions.json
COPY --from=build /heddle/apps/demo/manifests ./apps/demo/manifests
RUN mkdir -p /data /sidecars /access && chown node:node /data /sidecars /access
USER node
ENV NODE_ENV=production HEDDLE_DATA_DIR=/data
CMD ["node", "--enable-source-maps", "dist/apps/control-plane/src/main.js"]
