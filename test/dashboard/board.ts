/** A control plane as a process, with a shop in it, for tests that look at its dashboard. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TYPE } from '#libs/envoy-api';
import { IDENTITY, TRUST } from '#libs/identity';
import { Launchpad, ready } from '../../apps/control-plane/src/testing/process.js';
import { jsonRequest } from '../../libs/testing/src/rest/index.js';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';

const MESH = '/api/v1/meshes/default';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any;
}

export interface ProxyPlan {
  readonly workload: string;
  readonly instance: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
}

export class Board {
  readonly #pad = new Launchpad();
  readonly #clients = new Map<string, FakeXdsClient>();
  #xdsPort = 0;
  #admin = '';
  #addresses = 0;
  url = '';
  /** Errors, unless a flag says otherwise. */
  logged = (): string => '';

  /** Of the key that replicas over one database share. */
  get keyFile(): string {
    return join(this.#pad.dataDir, 'key');
  }

  /** @param flags beside the data directory and the ports */
  async start(...flags: readonly string[]): Promise<this> {
    const run = this.#pad.launch('--log-level', 'error', ...flags);
    this.logged = run.logged;
    this.url = await ready(run);
    this.#xdsPort = Number(/xDS on port (\d+)/.exec(run.said())?.[1]);
    const file = join(this.#pad.dataDir, 'admin-token');
    // A further replica: somebody can log in already.
    if (!existsSync(file)) return this;
    const token = readFileSync(file, 'utf8').trim();
    const { body } = await this.call('POST', '/api/v1/login/exchange', { token, name: 'root' });
    this.#admin = body.token;
    return this;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.values()) client.disconnect();
    await this.#pad.cleanUp();
  }

  /** As admin unless a token is given. */
  async call(method: string, path: string, body?: unknown, token = this.#admin): Promise<Answer> {
    const response = await fetch(this.url + path, jsonRequest({ method, token, body }));
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** A new API token. @param more `groups`, `meshes`, `ttlDays` */
  async token(name: string, role: string, more: object = {}): Promise<string> {
    const { status, body } = await this.call('POST', '/api/v1/tokens', { name, role, ...more });
    if (status !== 201) throw new Error(JSON.stringify(body));
    return body.token;
  }

  async apply(message: string, ...manifests: readonly object[]): Promise<string> {
    const { status, body } = await this.call('POST', `${MESH}/apply`, { manifests, message });
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body.change;
  }

  /** Registers an instance and connects a client in the place of its Envoy, which takes everything. */
  async join({ workload, instance, labels = {}, namespace = 'shop' }: ProxyPlan): Promise<FakeXdsClient> {
    const home = `${MESH}/namespaces/${namespace}`;
    const made = await this.call('POST', `${home}/proxy-tokens`, {
      workload,
      instance,
      labels,
      addresses: ['127.0.0.0/8'],
    });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    const { token } = made.body;
    this.#addresses += 1;
    const address = `127.9.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 1}`;
    const ports = { http: 8080 };
    const registered = await this.call(
      'PUT',
      `${home}/instances/${instance}`,
      { workload, labels, bind: { address, ports }, app: { address, ports: { http: 8081 } }, outbound: { address } },
      token,
    );
    if (registered.status >= 300) throw new Error(JSON.stringify(registered.body));
    const client = new FakeXdsClient({
      ...{ address: `127.0.0.1:${this.#xdsPort}`, token, serverName: 'control-plane.heddle.local' },
      caPem: readFileSync(join(this.#pad.dataDir, 'server-ca.pem'), 'utf8'),
      node: { id: `default/${namespace}/${workload}/${instance}`, userAgentName: 'envoy', userAgentVersion: '1.40.0' },
    });
    client.connect().subscribe(TYPE.cluster).subscribe(TYPE.listener).subscribe(TYPE.secret, [IDENTITY, TRUST]);
    client.subscribe(TYPE.scopedRoute);
    await client.waitFor(({ responses }) => responses.length > 3);
    // As Envoy does: it asks for the routes that the scopes name.
    const routes = client.names(TYPE.scopedRoute).map((name) => name.split('/').slice(0, 2).join('/'));
    client.subscribe(TYPE.route, [...new Set(routes)]);
    await client.waitFor(() => client.names(TYPE.route).length > 0);
    this.#clients.set(instance, client);
    return client;
  }

  client(instance: string): FakeXdsClient {
    const client = this.#clients.get(instance);
    if (client === undefined) throw new Error(`there is no ${instance}`);
    return client;
  }
}

const HEDDLE = 'heddle.dev/v1alpha1';

export const service = (at: string, spec: object = {}, labels: Readonly<Record<string, string>> = {}) => ({
  ...{ apiVersion: HEDDLE, kind: 'Service' },
  metadata: { namespace: at.split('/')[0], name: at.split('/')[1], labels },
  spec: { ports: [{ name: 'http', port: 8080, protocol: 'http' }], ...spec },
});

export const policy = (kind: string, at: string, target: string, spec: object) => ({
  ...{ apiVersion: HEDDLE, kind },
  metadata: { namespace: at.split('/')[0], name: at.split('/')[1] },
  spec: { targetRef: { kind: 'Service', name: target }, ...spec },
});

export const binding = (name: string, role: string, group: string, more: object = {}) => ({
  ...{ apiVersion: HEDDLE, kind: 'RoleBinding', metadata: { name } },
  spec: { role, subjects: [{ kind: 'Group', name: group }], ...more },
});

/** Blue and green side by side: `share` percent go to green. */
export const split = (share: number) => ({
  ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' },
  metadata: { namespace: 'shop', name: 'orders' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'orders' }],
    rules: [
      {
        backendRefs: [
          { name: 'orders', port: 8080, subset: 'blue', weight: 100 - share },
          { name: 'orders', port: 8080, subset: 'green', weight: share },
        ],
      },
    ],
  },
});

/** A shop of six services, with its routes, policies and, if wanted, proxies. */
export async function fillShop(board: Board, { proxies = true } = {}): Promise<void> {
  const team = { team: 'shop' };
  await board.apply(
    'The shop opens',
    service('shop/web', { dependencies: ['orders', 'catalog'] }, team),
    service(
      'shop/orders',
      {
        selector: { matchLabels: { app: 'orders' } },
        dependencies: ['payments', 'warehouse/stock'],
        subsets: [
          { name: 'blue', labels: { version: 'blue' } },
          { name: 'green', labels: { version: 'green' } },
        ],
      },
      team,
    ),
    service('shop/catalog', { dependencies: ['warehouse/stock'] }, team),
    service('shop/payments', { ports: [{ name: 'http', port: 8080, protocol: 'http' }] }, { team: 'payments' }),
    service('warehouse/stock', {}, { team: 'warehouse' }),
    service('warehouse/labels', { dependencies: ['stock'] }, { team: 'warehouse' }),
  );
  await board.apply(
    'Nobody waits for payments for ever',
    policy('TimeoutPolicy', 'shop/payments', 'payments', { request: '4s' }),
  );
  await board.apply('A tenth of the orders to green', split(10));
  await board.apply(
    'Only orders may take money',
    policy('AuthorizationPolicy', 'shop/payments', 'payments', {
      action: 'ALLOW',
      rules: [{ from: [{ workloads: ['shop/orders-blue', 'shop/orders-green'] }] }],
    }),
  );
  await board.apply(
    'Retries for what the shop window shows',
    policy('RetryPolicy', 'shop/catalog', 'catalog', { attempts: 2 }),
  );
  if (!proxies) return;
  const plans: ProxyPlan[] = [
    ...['web-1', 'web-2', 'web-3'].map((instance) => ({ workload: 'web', instance })),
    { workload: 'orders-blue', instance: 'orders-blue-1', labels: { app: 'orders', version: 'blue' } },
    { workload: 'orders-blue', instance: 'orders-blue-2', labels: { app: 'orders', version: 'blue' } },
    { workload: 'orders-green', instance: 'orders-green-1', labels: { app: 'orders', version: 'green' } },
    ...['catalog-1', 'catalog-2'].map((instance) => ({ workload: 'catalog', instance })),
    { workload: 'payments', instance: 'payments-1' },
    { workload: 'stock', instance: 'stock-1', namespace: 'warehouse' },
  ];
  for (const plan of plans) await board.join(plan);
}
