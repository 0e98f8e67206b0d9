/** One real Envoy with many route tables, and an upstream that tells what reached it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RoutingConfig, SampleRequest } from '#libs/changes';
import {
  create,
  encode,
  HttpConnectionManagerSchema,
  type MessageShape,
  RouteConfigurationSchema,
  resourceToJson,
  TYPE,
  toJson,
} from '#libs/envoy-api';
import { freePort } from '#libs/launcher';
import { type ManagerName, managerJson } from './managers.js';

/** Every cluster that a table names exists, and is the same upstream, but for this one. */
export const MISSING_CLUSTER = 'unresolved';

export type Table = MessageShape<typeof RouteConfigurationSchema>;

export interface TableUnderTest {
  readonly manager: ManagerName;
  readonly table: Table;
}

/** What came of a request. Names that Envoy does not know are ''. */
export interface Observation {
  readonly status: number;
  readonly route: string;
  readonly cluster: string;
  readonly location: string;
  /** `[name, value]` of the response, names in lower case. */
  readonly responseHeaders: readonly (readonly [string, string])[];
  /** Undefined: nothing got there. */
  readonly upstream:
    | {
        readonly path: string;
        readonly authority: string;
        readonly headers: readonly (readonly [string, string])[];
      }
    | undefined;
}

const LOOPBACK = '127.0.0.1';
/** Selects the table. */
const TABLE = 'x-table';
type ListenerName = ManagerName | 'scoped';
const MANAGERS: readonly ManagerName[] = ['outbound', 'inbound', 'stripping'];

const socketAddress = (port: number) => ({ socketAddress: { address: LOOPBACK, portValue: port } });

const pairs = (raw: readonly string[]): readonly (readonly [string, string])[] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : []));

/** Answers in a header, so that HEAD tells as much as GET. */
async function startUpstream(): Promise<Server> {
  const server = createServer((request, response) => {
    const seen = { path: request.url, authority: request.headers.host, headers: pairs(request.rawHeaders) };
    response.setHeader('x-echo', Buffer.from(JSON.stringify(seen)).toString('base64')).end();
  });
  await once(server.listen(0, LOOPBACK), 'listening');
  return server;
}

/** Clusters named anywhere in the tables. */
function clustersOf(tables: readonly Table[]): readonly string[] {
  const actions = tables.flatMap((table) => table.virtualHosts.flatMap((host) => host.routes.map((r) => r.action)));
  const names = actions.flatMap((action) => {
    if (action.case !== 'route') return [];
    const { clusterSpecifier: to, requestMirrorPolicies } = action.value;
    const mirrors = requestMirrorPolicies.map((mirror) => mirror.cluster);
    if (to.case === 'cluster') return [to.value, ...mirrors];
    return to.case === 'weightedClusters' ? [...to.value.clusters.map((each) => each.name), ...mirrors] : mirrors;
  });
  return [...new Set(names)].filter((name) => name !== MISSING_CLUSTER);
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
};

const mutation = (key: string, value: string) => ({
  append: { header: { key, value }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' },
});

/** Says in response headers what was decided, also for answers of Envoy's own. */
const TELLING = {
  name: 'telling',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
    mutations: {
      responseMutations: [
        mutation('x-seen-route', '%ROUTE_NAME%'),
        mutation('x-seen-cluster', '%UPSTREAM_CLUSTER_RAW%'),
      ],
    },
  },
};
const ROUTER = {
  name: 'router',
  typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};

export const tableJson = (table: Table): object =>
  resourceToJson(TYPE.route, encode(RouteConfigurationSchema, table)) as object;

function listener(name: ManagerName, port: number, tables: readonly TableUnderTest[]): object {
  const scoped = tables.flatMap(({ manager, table }, index) =>
    manager === name
      ? [
          {
            name: String(index),
            key: { fragments: [{ stringKey: String(index) }] },
            // As by RDS: a cluster may be missing.
            routeConfiguration: { ...tableJson(table), name: String(index), validateClusters: false },
          },
        ]
      : [],
  );
  const none = { name: '-', key: { fragments: [{ stringKey: '-' }] }, routeConfiguration: { name: '-' } };
  const manager = {
    ...managerJson(name),
    scopedRoutes: {
      name,
      scopeKeyBuilder: { fragments: [{ headerValueExtractor: { name: TABLE, index: 0 } }] },
      scopedRouteConfigurationsList: { scopedRouteConfigurations: [...scoped, none] },
    },
    httpFilters: [TELLING, ROUTER],
  };
  const filter = { name: 'hcm', typedConfig: manager };
  return { name, address: socketAddress(port), filterChains: [{ filters: [filter] }] };
}

/** The compiler's own scoped listener, with the scopes and tables written into it. */
function scopedListener({ manager, scopes, tables }: RoutingConfig, port: number): object {
  const json = toJson(
    HttpConnectionManagerSchema,
    create(HttpConnectionManagerSchema, { ...manager, httpFilters: [], accessLog: [] }),
  );
  const { scopedRoutes, ...rest } = json as { readonly scopedRoutes: { readonly scopeKeyBuilder: object } };
  const scopedRouteConfigurations = scopes.map((scope) => {
    const table = tables.get(scope.routeConfigurationName);
    const key = { fragments: scope.key?.fragments.map(({ type }) => ({ stringKey: type.value })) };
    return {
      name: scope.name,
      key,
      routeConfiguration: { ...(table ? tableJson(table) : {}), name: scope.name, validateClusters: false },
    };
  });
  const typedConfig = {
    ...rest,
    '@type': `type.googleapis.com/${HttpConnectionManagerSchema.typeName}`,
    scopedRoutes: {
      name: 'scoped',
      scopeKeyBuilder: scopedRoutes.scopeKeyBuilder,
      scopedRouteConfigurationsList: { scopedRouteConfigurations },
    },
    httpFilters: [TELLING, ROUTER],
  };
  return { name: 'scoped', address: socketAddress(port), filterChains: [{ filters: [{ name: 'hcm', typedConfig }] }] };
}

const cluster = (name: string, port: number): object => ({
  name,
  connectTimeout: '5s',
  type: 'STATIC',
  loadAssignment: {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: socketAddress(port) } }] }],
  },
});

export class DifferentialRig {
  readonly #dir = mkdtempSync(join(tmpdir(), 'heddle-differential-'));
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly #ports = new Map<ListenerName, number>();
  #upstream: Server | undefined;
  #envoy: ChildProcess | undefined;

  /** @throws Error with Envoy's words when it refuses a table. */
  static async start(
    binary: string,
    tables: readonly TableUnderTest[],
    scoped?: RoutingConfig,
  ): Promise<DifferentialRig> {
    const rig = new DifferentialRig();
    try {
      await rig.#start(binary, tables, scoped);
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  async #start(binary: string, tables: readonly TableUnderTest[], scoped?: RoutingConfig): Promise<void> {
    this.#upstream = await startUpstream();
    const upstream = portOf(this.#upstream);
    for (const name of [...MANAGERS, 'scoped' as const]) this.#ports.set(name, await freePort());
    const port = (name: ListenerName): number => this.#ports.get(name) ?? 0;
    const admin = await freePort();
    const bootstrap = {
      node: { id: 'differential', cluster: 'differential' },
      admin: { address: socketAddress(admin) },
      staticResources: {
        listeners: [
          ...MANAGERS.map((name) => listener(name, port(name), tables)),
          ...(scoped ? [scopedListener(scoped, port('scoped'))] : []),
        ],
        clusters: clustersOf([...tables.map(({ table }) => table), ...(scoped?.tables.values() ?? [])]).map((name) =>
          cluster(name, upstream),
        ),
      },
    };
    const config = join(this.#dir, 'envoy.json');
    const log = join(this.#dir, 'envoy.log');
    writeFileSync(config, JSON.stringify(bootstrap));
    const args = ['-c', config, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error'];
    this.#envoy = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const written = createWriteStream(log);
    this.#envoy.stderr?.pipe(written);
    await this.#ready(admin, log);
  }

  async #ready(admin: number, log: string): Promise<void> {
    while (this.#envoy?.exitCode === null) {
      const answer = await fetch(`http://${LOOPBACK}:${admin}/ready`).catch(() => undefined);
      if (answer?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`Envoy did not start: ${readFileSync(log, 'utf8').slice(-3000)}`);
  }

  /** Sends the request to a table, by its position; the scoped listener finds its tables itself. */
  async observe(index: number, manager: ListenerName, sample: SampleRequest): Promise<Observation> {
    const { method, scheme, authority, path, headers } = sample;
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? ['content-length', '0'] : [];
    const own = headers.flatMap(({ name, value }) => [name, value]);
    const request = httpRequest({
      host: LOOPBACK,
      port: this.#ports.get(manager),
      agent: this.#agent,
      method,
      path: scheme === undefined ? path : `${scheme}://${authority}${path}`,
      headers: ['host', authority, TABLE, String(index), ...body, ...own],
    });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    // A broken connection after the answer (Envoy closes it when it refuses a request) is no failure of this one.
    request.on('error', () => {});
    request.end();
    const [response] = await answered;
    response.resume();
    await once(response, 'end');
    return observation(response);
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (this.#envoy?.exitCode === null) {
      const ended = once(this.#envoy, 'exit');
      this.#envoy.kill('SIGKILL');
      await ended;
    }
    this.#upstream?.closeAllConnections();
    this.#upstream?.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function observation(response: IncomingMessage): Observation {
  const headers = pairs(response.rawHeaders);
  const get = (name: string): string => headers.find(([key]) => key === name)?.[1] ?? '';
  const seen = (name: string): string => (get(name) === '-' ? '' : get(name));
  const echo = get('x-echo');
  return {
    status: response.statusCode ?? 0,
    route: seen('x-seen-route'),
    cluster: seen('x-seen-cluster'),
    location: get('location'),
    responseHeaders: headers,
    upstream: echo === '' ? undefined : (JSON.parse(Buffer.from(echo, 'base64').toString()) as Observation['upstream']),
  };
}
