import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '#libs/launcher';
import { ControlPlane } from '../../apps/demo/src/control-plane.js';
import { cpuOf } from './cpu.js';

const SHOP = '/api/v1/meshes/default/namespaces/bench';
/** The engine adds its work to the metrics once a second. */
const COUNTERS_LATE_MS = 1_500;

/** A control plane process with its own Postgres, and what the bench does to it. */
export interface BenchServer {
  readonly pid: number;
  readonly xdsPort: number;
  readonly caPem: string;
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The one service. */
  prepare(): Promise<void>;
  /** A proxy's token and its registration. */
  join(name: string, workload: string): Promise<string>;
  /** Moves the one endpoint of the service to another address. @returns when the write was answered, on the clock of `performance.now()` */
  changeEndpoint(push: number): Promise<number>;
  /** A metric that has everything done so far. */
  counter(metric: string): Promise<number>;
  /** A gauge or counter as it is now; what the engine adds once a second may be missing. */
  metric(name: string): Promise<number>;
  /** Resident memory of the control plane in KB. */
  residentKb(): number;
  /** User and system time of the control plane so far, in milliseconds. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** @param settings as environment variables */
export async function startBenchServer(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  mkdirSync(dataDir, { recursive: true });
  const ports = { rest: await freePort(), xds: await freePort() };
  const controlPlane = new ControlPlane(
    dataDir,
    ports,
    join(import.meta.dirname, '../../apps/control-plane/src/main.js'),
    settings,
  );
  await controlPlane.start();
  await controlPlane.login();
  const { caPem } = await controlPlane.request<{ caPem: string }>('GET', '/api/v1/bootstrap');
  const register = (name: string, workload: string, index: number, advertised = address(index)): Promise<unknown> =>
    controlPlane.request('PUT', `${SHOP}/instances/${name}`, {
      workload,
      bind: { address: address(index), ports: { http: 8080 } },
      app: { address: '127.0.0.1', ports: { http: 8080 } },
      outbound: { address: `127.${100 + (index % 100)}.${Math.floor(index / 100)}.1`, httpPort: 15001 },
      host: address(index),
      advertised,
    });
  let members = 1;
  return {
    pid: controlPlane.pid,
    xdsPort: ports.xds,
    caPem,
    request: (method, path, body) => controlPlane.request(method, path, body),
    async prepare() {
      const manifests = [
        {
          apiVersion: 'heddle.dev/v1alpha1',
          kind: 'Service',
          metadata: { name: 'orders', namespace: 'bench' },
          spec: { ports: [{ name: 'http', port: 8080, protocol: 'http' }] },
        },
      ];
      await controlPlane.request('POST', '/api/v1/meshes/default/apply', { manifests });
    },
    async join(name, workload) {
      members += 1;
      await register(name, workload, workload === 'orders' ? 1 : members);
      const answer = await controlPlane.request<{ token: string }>('POST', `${SHOP}/proxy-tokens`, {
        workload,
        instance: name,
        addresses: ['10.0.0.0/8'],
      });
      return answer.token;
    },
    async changeEndpoint(push) {
      await register('orders-1', 'orders', 1, `10.200.0.${1 + (push % 2)}`);
      return performance.now();
    },
    async counter(metric) {
      await new Promise((resolve) => setTimeout(resolve, COUNTERS_LATE_MS));
      return controlPlane.metric(metric);
    },
    metric: (name) => controlPlane.metric(name),
    residentKb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${controlPlane.pid}/status`, 'utf8'))?.[1] ?? 0),
    cpuMs: () => cpuOf(controlPlane.pid),
    stop: () => controlPlane.stop(),
  };
}

const address = (index: number): string =>
  `10.${Math.floor(index / 65_536)}.${Math.floor(index / 256) % 256}.${index % 256}`;
