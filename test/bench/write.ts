import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { namespaceOf, serviceName } from '../../libs/testing/src/builders/index.js';
import { median, quantile, type Row } from './row.js';
import { type BenchServer, startBenchServer } from './server.js';

const SERVICES = 1_000;
const BATCHES = 5;
const BATCH = 20;
/** Revisions that are written between two measurements of the same write. */
const HISTORY = 1_000;
/** Requests at once while a mesh is filled. */
const AT_ONCE = 8;
const MESH = '/api/v1/meshes/default';
const apiVersion = 'heddle.dev/v1alpha1';

const indexes = Array.from({ length: SERVICES }, (_, index) => index);

const service = (index: number) => ({
  apiVersion,
  kind: 'Service',
  metadata: { namespace: namespaceOf(index), name: serviceName(index) },
  spec: { ports: [{ name: 'http', port: 8080, protocol: 'http' }] },
});

const registration = (index: number) => {
  const address = `10.0.${Math.floor(index / 250)}.${1 + (index % 250)}`;
  return {
    workload: serviceName(index),
    bind: { address, ports: { http: 8080 } },
    app: { address: '127.0.0.1', ports: { http: 8080 } },
    outbound: { address: `127.${100 + Math.floor(index / 250)}.${index % 250}.1`, httpPort: 15001 },
    host: address,
    advertised: address,
  };
};

const timeoutOf = (index: number, request: string) => ({
  apiVersion,
  kind: 'TimeoutPolicy',
  metadata: { namespace: namespaceOf(index), name: `timeout-${index}` },
  spec: { targetRef: { kind: 'Service', name: serviceName(index) }, request },
});

const meshWide = (request: string) => ({
  apiVersion,
  kind: 'TimeoutPolicy',
  metadata: { namespace: namespaceOf(0), name: 'mesh-wide' },
  spec: { targetRef: { kind: 'Mesh', name: 'default' }, request, connect: request },
});

/** Plans and writes by REST in a mesh of 1,000 services with an instance each, by a server with its own Postgres. */
export async function writeRows(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
  const server = await startBenchServer(join(dir, 'data'));
  try {
    await fill(server);
    const plan = (document: unknown): Promise<unknown> =>
      server.request('POST', `${MESH}/plan`, { manifests: [document], save: true });
    const plans = await batches(server, (turn) => plan(timeoutOf(turn, '2s')));
    const whole = await wholeMesh(server, () => plan(meshWide('3s')));
    const commits = await batches(server, (turn) => commit(server, turn % 100, `${turn + 2}s`));
    const writes = await batches(server, (turn) => write(server, turn % 100, `${turn + 150}s`));
    await all(
      Array.from({ length: HISTORY }, (_, turn) => turn),
      (turn) => write(server, turn % 500, `${turn + 300}s`),
    );
    const later = await batches(server, (turn) => write(server, turn % 100, `${turn + 4_000}s`));
    const growth = median(later.cpu) / median(writes.cpu);
    return [
      row(`plan of a service's policy, ${SERVICES} services`, plans.ms, 'ms', 20),
      row('  CPU of the server', plans.cpu, 'ms'),
      row('plan of a policy of the whole mesh', whole.ms, 'ms'),
      row('  longest wait of others meanwhile', whole.longest, 'ms'),
      row('REST write, until it is committed', commits.ms, 'ms', 15),
      row('  CPU of the server', commits.cpu, 'ms'),
      row('REST write by PUT, until this replica has published it, too', writes.ms, 'ms'),
      row('  CPU of the server', writes.cpu, 'ms'),
      row(`  CPU after ${HISTORY} more revisions, ratio`, [growth], '', 1.5),
    ];
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

const row = (what: string, values: readonly number[], unit: string, must?: number): Row => ({
  ...{ what, p50: median(values), p99: quantile(values, 0.99), unit },
  ...(must === undefined ? {} : { must }),
});

/** Validated, evaluated beside what is in force, and committed with its history and audit; what comes of it is not waited for. */
const commit = (server: BenchServer, index: number, request: string): Promise<unknown> =>
  server.request('POST', `${MESH}/apply`, { manifests: [timeoutOf(index, request)] });

/** Answered with conditions about it, so it waits until this replica has compiled and published it. */
function write(server: BenchServer, index: number, request: string): Promise<unknown> {
  const { metadata, ...document } = timeoutOf(index, request);
  const path = `${MESH}/namespaces/${metadata.namespace}/timeoutpolicies/${metadata.name}`;
  return server.request('PUT', path, { ...document, metadata });
}

async function fill(server: BenchServer): Promise<void> {
  for (let from = 0; from < SERVICES; from += 250) {
    const manifests = indexes.slice(from, from + 250).map(service);
    await server.request('POST', `${MESH}/apply`, { manifests });
  }
  await all(indexes, (index) => {
    const path = `${MESH}/namespaces/${namespaceOf(index)}/instances/${serviceName(index)}-1`;
    return server.request('PUT', path, registration(index));
  });
}

async function all<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The medians of batches, one request after the other. */
async function batches(
  server: BenchServer,
  act: (turn: number) => Promise<unknown>,
): Promise<{ readonly ms: readonly number[]; readonly cpu: readonly number[] }> {
  const ms: number[] = [];
  const cpu: number[] = [];
  for (let turn = 0; turn < BATCH; turn += 1) await act(turn);
  for (let batch = 1; batch <= BATCHES; batch += 1) {
    const before = server.cpuMs();
    const times: number[] = [];
    for (let turn = batch * BATCH; turn < (batch + 1) * BATCH; turn += 1) {
      const started = performance.now();
      await act(turn);
      times.push(performance.now() - started);
    }
    ms.push(median(times));
    cpu.push((server.cpuMs() - before) / BATCH);
  }
  return { ms, cpu };
}

/** What others wait for the server meanwhile: a request that asks nothing of it, again and again. */
async function wholeMesh(
  server: BenchServer,
  plan: () => Promise<unknown>,
): Promise<{ readonly ms: readonly number[]; readonly longest: readonly number[] }> {
  const ms: number[] = [];
  const longest: number[] = [];
  for (let turn = 0; turn < BATCHES; turn += 1) {
    let [isOver, worst] = [false, 0];
    const probe = async (): Promise<void> => {
      while (!isOver) {
        const started = performance.now();
        await server.request('GET', '/livez');
        worst = Math.max(worst, performance.now() - started);
        await wait(1);
      }
    };
    const probing = probe();
    const started = performance.now();
    await plan();
    ms.push(performance.now() - started);
    isOver = true;
    await probing;
    longest.push(worst);
  }
  return { ms, longest };
}
