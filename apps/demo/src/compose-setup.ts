import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { METRICS_DETAILS, writeSidecarFiles, type XdsEndpoint } from '#libs/launcher';
import { COMPOSE_REPLICAS, type ComposeReplica, METRICS_PORT } from './compose-topology.js';
import { GRPC_PORT, HTTP_PORT, MESH, NAMESPACE, OUTBOUND_HTTP_PORT } from './topology.js';

// The one-shot service of docker-compose.yml: logs in, applies the shop's manifests, registers every replica, and puts
// bootstrap and token where each sidecar reads them. Running it again gives new tokens and changes nothing else.

const DATA_DIR = '/data';
const SIDECARS_DIR = '/sidecars';
/** What Prometheus needs of the control plane; nobody else sees it. */
const ACCESS_DIR = '/access';
const SCOPE = `/api/v1/meshes/${MESH}`;
/** Containers are made again more often than machines: the demo's tokens outlive a month of use. */
const TOKEN_DAYS = 30;
const PROMETHEUS_TOKEN_DAYS = 365;

const server = process.env['HEDDLE_SERVER'] ?? 'https://control-plane:8190';
let token = '';

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** The one-time admin token of the first start becomes a named one, kept where the stack's CLI looks for its context. */
async function logIn(): Promise<void> {
  const kept = join(DATA_DIR, 'cli.yaml');
  const file = parse(await readFile(kept, 'utf8').catch(() => '')) as {
    contexts: { compose: { token: string } };
  } | null;
  token = file?.contexts.compose.token ?? '';
  if (token) return;
  const once = (await readFile(join(DATA_DIR, 'admin-token'), 'utf8')).trim();
  const answer = await request<{ token: string }>('POST', '/api/v1/login/exchange', { token: once, name: 'compose' });
  token = answer.token;
  const context = { server, token, mesh: MESH, namespace: NAMESPACE };
  await writeFile(kept, stringify({ current: 'compose', contexts: { compose: context } }), { mode: 0o600 });
}

async function applyShop(): Promise<void> {
  const text = await readFile(join(import.meta.dirname, '../../../../apps/demo/manifests/shop.yaml'), 'utf8');
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as unknown);
  await request('POST', `${SCOPE}/apply`, { manifests, message: 'the shop' });
}

async function joinMesh(one: ComposeReplica, to: { xds: XdsEndpoint; caPem: string }): Promise<void> {
  const ports = one.service === 'payments' ? { http: HTTP_PORT, grpc: GRPC_PORT } : { http: HTTP_PORT };
  const labels = { app: one.service, version: one.version };
  const scope = `${SCOPE}/namespaces/${NAMESPACE}`;
  await request('PUT', `${scope}/instances/${one.name}`, {
    workload: one.workload,
    labels,
    bind: { address: one.address, ports },
    app: { address: '127.0.0.1', ports: { ...ports, http: one.appPort } },
    outbound: { address: '127.100.0.1', httpPort: OUTBOUND_HTTP_PORT },
    metrics: { port: METRICS_PORT, details: METRICS_DETAILS },
  });
  const issued = await request<{ token: string }>('POST', `${scope}/proxy-tokens`, {
    workload: one.workload,
    instance: one.name,
    labels,
    addresses: [`${one.address}/32`],
    ttlDays: TOKEN_DAYS,
  });
  await writeSidecarFiles(join(SIDECARS_DIR, one.name), {
    identity: { mesh: MESH, namespace: NAMESPACE, workload: one.workload, instance: one.name },
    admin: { address: '127.0.0.1', port: 9901 },
    metrics: { address: one.address, port: METRICS_PORT },
    xds: to.xds,
    caPem: to.caPem,
    token: issued.token,
  });
  console.log(`${one.name}: registered, bootstrap and token written`);
}

/** A token that can read, and the authority of the control plane: for the profile `observability`. */
async function admitPrometheus(caPem: string): Promise<void> {
  // Prometheus runs as another user; the volume is its own.
  await writeFile(join(ACCESS_DIR, 'heddle-ca.pem'), caPem, { mode: 0o644 });
  const file = join(ACCESS_DIR, 'heddle-token');
  if (await readFile(file, 'utf8').catch(() => '')) return;
  const wanted = { name: 'prometheus', role: 'viewer', ttlDays: PROMETHEUS_TOKEN_DAYS };
  const issued = await request<{ token: string }>('POST', '/api/v1/tokens', wanted);
  await writeFile(file, issued.token, { mode: 0o644 });
}

await logIn();
await applyShop();
const to = await request<{ xds: XdsEndpoint; caPem: string }>('GET', '/api/v1/bootstrap');
await admitPrometheus(to.caPem);
for (const one of COMPOSE_REPLICAS) await joinMesh(one, to);
console.log('the shop is set up');
