/** For tests of this library: REST over a real store and real tokens; only the push path is a stand-in. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import {
  createChanges,
  createExplain,
  createExplainPast,
  createScraping,
  Deliveries,
  type LiveMeshes,
  type LocalDelivery,
  type Recompile,
} from '#libs/changes';
import { type ApiTokenRequest, createMeshIdentity, loadOrCreateKek, type MeshIdentity } from '#libs/identity';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { createRegistry, type PolicyKind } from '#libs/model';
import { openStore, type Store } from '#libs/store';
import { SignalQueries } from '#libs/telemetry';
import { type ApiDeps, createAuth, RolePolicies, type RunningApi, type RuntimePort, startApi } from '../src/index.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** '' = no token. */
  readonly token?: string;
}

export interface ServedApi {
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  readonly identity: MeshIdentity;
  readonly deps: ApiDeps;
  readonly keyFile: string;
  /** Text of the one-time admin token. */
  readonly oneTimeToken: string;
  /** A call as admin unless `token` says otherwise. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** A new API token. */
  token(role: string, request?: Partial<ApiTokenRequest>): Promise<string>;
  stop(): Promise<void>;
}

/** A push path that compiles nothing: ready and up to date. */
export const idleRuntime = (overrides: Partial<RuntimePort> = {}): RuntimePort => ({
  proxies: () => Promise.resolve([]),
  deregister: () => Promise.resolve({ acked: true }),
  conditions: () => [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }],
  published: () => Promise.resolve(),
  readiness: () => ({ ready: true, checks: [] }),
  ...overrides,
});

/** A replica with no proxies, which has come to every change. */
export const idleDelivery: LocalDelivery = {
  replica: 'test',
  of: () => ({ total: 0, acked: 0, refusing: 0, elapsedMs: 0, refused: [], behind: [] }),
  onProgress: () => () => {},
};

/** Nothing is watched. */
export const idleAlerts: ApiDeps['alerts'] = {
  rules: () => Promise.resolve([]),
  objectives: () => Promise.resolve([]),
  receivers: () => Promise.resolve([]),
  test: () => Promise.resolve(undefined),
  prometheusRules: () => Promise.resolve('groups: []\n'),
  silencedBy: () => () => undefined,
};

async function parts(databaseUrl: string, policies: readonly PolicyKind[], replicaOf: ServedApi | undefined) {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'heddle-api-'));
  const keyFile = replicaOf?.keyFile ?? join(dataDirectory, 'kek');
  const store = await openStore({ url: databaseUrl, replica: 'test', pool: 4 });
  const identity = createMeshIdentity({
    ...store,
    kek: await loadOrCreateKek(keyFile),
    dataDirectory,
    clock: systemClock,
    log: silentLog,
    metrics: silentMetrics,
    trustDomain: (mesh) => `${mesh}.heddle.local`,
  });
  await identity.start(['default']);
  return { dataDirectory, keyFile, store, identity, registry: createRegistry(policies) };
}

/** Starts the API on a free port of 127.0.0.1. */
export async function serveApi(
  databaseUrl: string,
  options: {
    readonly runtime?: RuntimePort;
    readonly delivery?: LocalDelivery;
    readonly aspects?: ApiDeps['aspects'];
    readonly alerts?: Partial<ApiDeps['alerts']>;
    readonly patterns?: ApiDeps['patterns'];
    readonly policies?: readonly PolicyKind[];
    readonly live?: LiveMeshes;
    readonly recompile?: Recompile;
    readonly controllers?: readonly Type<object>[];
    /** Another server over the same database, whose key it needs. */
    readonly replicaOf?: ServedApi;
  } = {},
): Promise<ServedApi> {
  const { dataDirectory, keyFile, store, identity, registry } = await parts(
    databaseUrl,
    options.policies ?? [],
    options.replicaOf,
  );
  const file = await identity.adminLogin.ensure();
  const oneTimeToken = file === undefined ? '' : (await readFile(file.path, 'utf8')).trim();
  const runtime = options.runtime ?? idleRuntime();
  const roles = new RolePolicies({ registry, feed: store.feed, log: silentLog });
  await store.feed.start((event) => roles.onEvent(event));
  const live = options.live ?? (() => Promise.resolve(undefined));
  const deps: ApiDeps = {
    registry,
    store,
    changes: createChanges({ registry, store, live }),
    explain: createExplain({ live, history: store.history }),
    past: createExplainPast({ live, recompile: options.recompile, store }),
    scraping: createScraping(live),
    signals: new SignalQueries({ ...store, metrics: silentMetrics }),
    patterns: options.patterns ?? { list: async () => [] },
    deliveries: new Deliveries({
      ...{ progress: store.progress, local: options.delivery ?? idleDelivery, clock: systemClock },
    }),
    ...(options.aspects ? { aspects: options.aspects } : {}),
    alerts: { ...idleAlerts, ...options.alerts },
    runtime,
    auth: createAuth(identity),
    roles,
    bootstrap: {
      xds: { address: '127.0.0.1', port: 8191, serverName: 'control-plane.heddle.local' },
      caPem: await identity.server.caPem(),
    },
    clock: systemClock,
    log: silentLog,
    metrics: silentMetrics,
    exposition: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    allowedHosts: ['heddle.test'],
    databaseName: 'test database',
    version: '0.0.0',
  };
  const api = await startApi({ deps, host: '127.0.0.1', port: 0, controllers: options.controllers });
  return client({ api, deps, identity, keyFile, oneTimeToken, store }, () => rm(dataDirectory, { recursive: true }));
}

async function client(
  running: {
    api: RunningApi;
    deps: ApiDeps;
    identity: MeshIdentity;
    keyFile: string;
    oneTimeToken: string;
    store: Store;
  },
  cleanUp: () => Promise<void>,
): Promise<ServedApi> {
  const { api, identity, store, ...rest } = running;
  const url = `http://127.0.0.1:${api.port}`;
  const token = async (role: string, request: Partial<ApiTokenRequest> = {}): Promise<string> => {
    const created = await identity.apiTokens.create({ name: `test-${role}`, role, ...request });
    if (!created.ok) throw new Error(JSON.stringify(created.error));
    return created.value.token;
  };
  const admin = await token('admin');
  return {
    ...rest,
    url,
    port: api.port,
    store,
    identity,
    token,
    call: (method, path, options = {}) => call(url + path, method, { token: admin, ...options }),
    async stop() {
      await api.close();
      await store.feed.stop();
      await identity.stop();
      await store.close();
      await cleanUp();
    },
  };
}

async function call(url: string, method: string, { body, headers = {}, token }: CallOptions): Promise<Answer> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // A stream of events has no end: `EventStream` reads it.
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (isEvents) await response.body?.cancel();
  const text = isEvents ? '' : await response.text();
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}
