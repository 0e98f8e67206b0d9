/** Plans of a mesh that stands still, without a store: what judging a change costs, and how long it holds the event loop. */
import { policies } from '#policies';
import { StillMesh } from '../../libs/changes/testing/still-mesh.js';
import { instance, namespaceOf, serviceName } from '../../libs/testing/src/builders/index.js';
import { threadMs, watchLoop } from './scale-replica.js';
import { quantiles, type ScaleRow } from './scale-row.js';

const REPEATS = 10;
/** As a replica grants it. */
const SLICE_MS = 5;
const apiVersion = 'heddle.dev/v1alpha1';

class PacedMesh extends StillMesh {
  override slice() {
    const end = performance.now() + SLICE_MS;
    return { exhausted: () => performance.now() >= end };
  }
}

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly longestMs: number;
}

/** Every service calls the first one, which calls nobody, and the next one: nine in a chain. */
const service = (index: number) => ({
  apiVersion,
  kind: 'Service',
  metadata: { namespace: namespaceOf(index), name: serviceName(index) },
  spec: {
    ports: [{ name: 'http', port: 8080, protocol: 'http' }],
    dependencies: [0, index + 1]
      .filter((other) => index > 0 && (other === 0 || (index % 10 > 0 && other % 10 > 0)))
      .map((other) => `${namespaceOf(other)}/${serviceName(other)}`),
  },
});

function timeout(targetRef: { readonly kind: string; readonly name: string }, index: number, request: string) {
  const metadata = { namespace: namespaceOf(index), name: `${targetRef.kind.toLowerCase()}-${targetRef.name}` };
  return { apiVersion, kind: 'TimeoutPolicy', metadata, spec: { targetRef, request, connect: request } };
}

async function measure(mesh: StillMesh, document: unknown): Promise<Cost> {
  const lag = watchLoop(() => 0);
  const cpu = threadMs();
  const started = performance.now();
  await mesh.plan({ documents: [document] });
  const ms = performance.now() - started;
  const cpuMs = threadMs() - cpu;
  return { ms, cpuMs, longestMs: (await lag()).longestMs };
}

async function repeat(act: (turn: number) => Promise<Cost>): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (let turn = 0; turn < REPEATS; turn += 1) costs.push(await act(turn));
  return costs;
}

export async function planRows(services: number): Promise<ScaleRow[]> {
  const mesh = new PacedMesh(policies);
  const indexes = Array.from({ length: services }, (_, index) => index);
  mesh.put(...indexes.map(service));
  mesh.join(...indexes.map((index) => instance(`${namespaceOf(index)}/${serviceName(index)}-1`)));
  const whole = await repeat((turn) => measure(mesh, timeout({ kind: 'Mesh', name: 'default' }, 0, `${turn + 2}s`)));
  const one = await repeat((turn) =>
    measure(mesh, timeout({ kind: 'Service', name: serviceName(turn + 3) }, turn + 3, '2s')),
  );
  const rows = (costs: readonly Cost[], of: string, must?: number): ScaleRow[] => [
    quantiles(
      `plan of a policy of ${of}`,
      costs.map(({ ms }) => ms),
      'ms',
      must,
    ),
    quantiles(
      '  CPU of that',
      costs.map(({ cpuMs }) => cpuMs),
      'ms',
    ),
    quantiles(
      '  longest hold of the event loop',
      costs.map(({ longestMs }) => longestMs),
      'ms',
      10,
    ),
  ];
  const size = `${services} services with a proxy each`;
  return [...rows(whole, `the whole mesh: ${size}`), ...rows(one, `one service: ${size}`, 20)];
}
