import { until } from '../../../apps/demo/src/narrator.js';
import { OUTBOUND_HTTP_PORT } from '../../../apps/demo/src/topology.js';
import { Load } from '../load.js';
import { type Member, Mesh } from '../mesh.js';
import { dualApplication } from './dual-application.js';
import { Http2Load } from './http2-load.js';

const PATIENCE_MS = 300_000;
export const PORTS = { http: 8080, bytes: 9090, multi: 9191 } as const;

export interface ServiceOptions {
  readonly protocol: string;
  readonly port: number;
  /** Name of the workload's port. */
  readonly target: string;
  readonly selector: Readonly<Record<string, string>>;
}

/** One port each, so that each moves alone: `orders` is HTTP/1.1, `ledger` TCP, `greet` HTTP/2. */
export const SERVICES: Readonly<Record<string, ServiceOptions>> = {
  orders: { protocol: 'http', port: 8080, target: 'http', selector: { workload: 'blue' } },
  ledger: { protocol: 'tcp', port: 9090, target: 'bytes', selector: { workload: 'blue' } },
  greet: { protocol: 'http2', port: 9191, target: 'multi', selector: { workload: 'blue' } },
};

export function serviceText(name: string, change: Partial<ServiceOptions> = {}): string {
  const known = SERVICES[name];
  if (!known) throw new Error(`no service ${name}`);
  const { protocol, port, target, selector } = { ...known, ...change };
  return JSON.stringify({
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: {
      ports: [{ name: 'main', port, protocol, targetPort: target }],
      selector: { matchLabels: selector },
    },
  });
}

export const allServices = (change: Partial<ServiceOptions> = {}): string =>
  Object.keys(SERVICES)
    .map((name) => serviceText(name, change))
    .join('\n---\n');

export const meshText = (spec: object): string =>
  JSON.stringify({ apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec });

/** Envoys of both ends of what is supported, as callers and as called: two of workload `blue`, two of `green`. */
export interface Shop {
  readonly mesh: Mesh;
  readonly callers: readonly Member[];
  readonly called: readonly Member[];
}

const VERSIONS = ['1.36.4', '1.40.0'] as const;

export async function openShop(settings: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const mesh = await Mesh.start(settings);
  await mesh.apply(`${meshText({})}\n---\n${allServices()}`);
  const join = (workload: string, at: number, application?: typeof dualApplication) =>
    VERSIONS.map((version, i) =>
      mesh.join(workload, at + i, {
        ...{ version, name: `${workload}-${at + i}`, ports: PORTS },
        ...(application ? { application } : {}),
      }),
    );
  const [callers, called] = await Promise.all([
    Promise.all(join('web', 11)),
    Promise.all([...join('blue', 13, dualApplication), ...join('green', 15, dualApplication)]),
  ]);
  return { mesh, callers, called };
}

/** Where a caller's application finds a service port at an address of its own. */
async function addressOf(caller: Member, service: string): Promise<{ host: string; port: number }> {
  const { port } = SERVICES[service] ?? { port: 0 };
  const name = `outbound/shop/${service}/${port}`;
  const text = await until(`${caller.sidecar.plan.name} listens for ${service}`, PATIENCE_MS, () =>
    caller.sidecar.listenerAddress(name),
  );
  const [host = '', number] = String(text).split(':');
  return { host, port: Number(number) };
}

export interface Calls {
  readonly name: string;
  readonly load: Load | Http2Load;
}

/** Every caller calls every service all the time, by kept and by new connections, until it is stopped. */
export async function callAll({ callers }: Shop): Promise<readonly Calls[]> {
  const all: Calls[] = [];
  for (const caller of callers) {
    const { plan } = caller.sidecar;
    const version = plan.name === 'web-11' ? '1.36' : '1.40';
    const shared = { host: plan.outbound, port: OUTBOUND_HTTP_PORT };
    const orders = version === '1.36' ? await addressOf(caller, 'orders') : shared;
    all.push(
      { name: `${version} http`, load: new Load({ ...orders, authority: 'orders' }, 2) },
      { name: `${version} tcp`, load: new Load({ ...(await addressOf(caller, 'ledger')), authority: 'ledger' }, 2) },
      { name: `${version} http2`, load: new Http2Load({ ...(await addressOf(caller, 'greet')), authority: 'greet' }) },
    );
  }
  await until('every call is answered', PATIENCE_MS, async () =>
    all.every(({ load }) => load.answers.length > 30) ? true : Promise.reject(new Error(describe(all))),
  );
  return all;
}

export const describe = (calls: readonly Calls[]): string =>
  calls
    .map(
      ({ name, load }) => `${name}: ${load.failures.length}/${load.total} ${[...new Set(load.failures)].slice(0, 3)}`,
    )
    .join('; ');

/** Callers outside the mesh, by plaintext, at the port of one instance. */
export const plaintext = (called: Member): Load =>
  new Load({ host: called.sidecar.plan.bind, port: PORTS.http, authority: 'orders' }, 2);

/** Resolves when every load has been answered so often once more. */
export async function goOn(calls: readonly Calls[], count = 50): Promise<void> {
  const until_ = calls.map(({ load }) => load.total + count);
  await until('calls go on', PATIENCE_MS, async () => calls.every(({ load }, i) => load.total >= (until_[i] ?? 0)));
}
