import 'reflect-metadata';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status as GRPC } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { type Clock, systemClock } from '#libs/kernel';
import { configSchema } from '../../apps/control-plane/src/config.schema.js';
import { type RunningControlPlane, startControlPlane } from '../../apps/control-plane/src/control-plane.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { jsonRequest } from '../../libs/testing/src/rest/index.js';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';

const MESH = '/api/v1/meshes/default';
const REVOKED = { code: GRPC.UNAUTHENTICATED, details: 'the proxy token was revoked' };

/** The machine's clock, but that what recurs does so only by hand: what happens meanwhile no timer has done. */
class HeldTimers implements Clock {
  readonly #tasks = new Set<() => void>();
  now = systemClock.now.bind(systemClock);
  monotonic = systemClock.monotonic.bind(systemClock);
  after = systemClock.after.bind(systemClock);

  every(_ms: number, task: () => void): () => void {
    this.#tasks.add(task);
    return () => void this.#tasks.delete(task);
  }

  /** All of them are due once. */
  fire(): void {
    for (const task of [...this.#tasks]) task();
  }
}

interface Issued {
  readonly token: string;
  readonly jti: string;
}

/** A whole control plane in this process: REST and xDS on real sockets. */
class Replica {
  #token = '';
  #xds = { port: 0, serverName: '' };
  #caPem = '';

  private constructor(
    readonly running: RunningControlPlane,
    readonly timers: HeldTimers,
  ) {}

  static async start(name: string, dir: string, url: string): Promise<Replica> {
    const config = configSchema.parse({
      ...{ dataDir: join(dir, name), keyFile: join(dir, 'key'), replica: name, database: { url, pool: 4 } },
      ...{ rest: { port: 0 }, xds: { port: 0 }, log: { level: 'silent' }, telemetry: { collector: 'off' } },
    });
    const timers = new HeldTimers();
    return new Replica(await startControlPlane(config, { clock: timers }), timers);
  }

  /** Logs in by the one-time token that the first replica of a database made. @returns the token for others */
  async login(): Promise<string> {
    const token = readFileSync(this.running.adminTokenFile ?? '', 'utf8').trim();
    const { token: admin } = await this.call<Issued>('POST', '/api/v1/login/exchange', { token, name: 'tests' });
    return admin;
  }

  async use(token: string): Promise<void> {
    this.#token = token;
    const { xds, caPem } = await this.call<{ xds: { port: number; serverName: string }; caPem: string }>(
      'GET',
      '/api/v1/bootstrap',
    );
    [this.#xds, this.#caPem] = [xds, caPem];
  }

  async call<T>(method: string, path: string, body?: unknown, token = this.#token): Promise<T> {
    const response = await fetch(this.running.restUrl + path, jsonRequest({ method, token, body }));
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  issue(workload: string): Promise<Issued> {
    return this.call('POST', `${MESH}/namespaces/shop/proxy-tokens`, { workload, instance: `${workload}-1` });
  }

  async renew({ token }: Issued): Promise<Issued> {
    const renewed = await this.call<{ token: string }>('POST', '/api/v1/tokens/renew', undefined, token);
    const claims = JSON.parse(Buffer.from(renewed.token.split('.')[1] ?? '', 'base64url').toString());
    return { token: renewed.token, jti: claims.jti };
  }

  revoke({ jti }: Issued): Promise<void> {
    return this.call('DELETE', `${MESH}/proxy-tokens/${jti}`);
  }

  /** A proxy with this token, which has been sent its certificate. */
  async connect(workload: string, { token }: Issued): Promise<FakeXdsClient> {
    const client = new FakeXdsClient({
      address: `127.0.0.1:${this.#xds.port}`,
      ...{ token, caPem: this.#caPem, serverName: this.#xds.serverName },
      node: { id: `default/shop/${workload}/${workload}-1`, userAgentName: 'envoy', userAgentVersion: '1.40.0' },
    });
    client.connect().subscribe(TYPE.secret, ['identity']);
    await client.waitFor((one) => one.names(TYPE.secret).length === 1);
    return client;
  }
}

describe('SEC-5 SEC-28 a proxy whose token is revoked', () => {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-revocation-'));
  const clients: FakeXdsClient[] = [];
  let database: TestDatabase;
  let here: Replica;
  let there: Replica;

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    here = await Replica.start('here', dir, database.url);
    const admin = await here.login();
    there = await Replica.start('there', dir, database.url);
    for (const replica of [here, there]) await replica.use(admin);
    for (const [number, workload] of ['web', 'bystander'].entries()) {
      await here.call('PUT', `${MESH}/namespaces/shop/instances/${workload}-1`, {
        workload,
        bind: { address: `192.0.2.${number + 1}`, ports: { http: 8080 } },
        app: { address: '127.0.0.1', ports: { http: 8080 } },
        outbound: { address: `127.1.${number + 1}.1`, httpPort: 15001 },
      });
    }
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });
  afterAll(async () => {
    for (const replica of [here, there]) await replica?.running.stop();
    await database?.drop();
    rmSync(dir, { recursive: true, force: true });
  });

  const connect = async (...args: readonly [Replica, string, Issued]): Promise<FakeXdsClient> => {
    const [replica, workload, token] = args;
    const client = await replica.connect(workload, token);
    clients.push(client);
    return client;
  };

  it.each(['the first token', 'the renewed one'])(
    'is cut at once by whichever of its family it has, when %s is revoked, and nobody else is',
    async (which) => {
      const first = await here.issue('web');
      const second = await here.renew(first);
      const third = await here.renew(second);
      const bystander = await connect(here, 'bystander', await here.issue('bystander'));
      const proxies = [await connect(here, 'web', second), await connect(here, 'web', third)];
      await here.revoke(which === 'the first token' ? first : second);
      for (const proxy of proxies) {
        await proxy.waitFor(({ ended }) => ended !== undefined);
        expect(proxy.ended).toMatchObject(REVOKED);
      }
      expect(bystander.ended).toBeUndefined();
      // What it renewed before lets it in no more, and renews nothing.
      await expect(here.renew(third)).rejects.toThrow(/401/);
    },
  );

  it('is cut at another replica when that one reads its list again', async () => {
    const first = await here.issue('web');
    const [proxy, bystander] = [
      await connect(there, 'web', await here.renew(first)),
      await connect(there, 'bystander', await here.issue('bystander')),
    ];
    await here.revoke(first);
    expect(proxy.ended).toBeUndefined();
    there.timers.fire();
    await proxy.waitFor(({ ended }) => ended !== undefined);
    expect([proxy.ended, bystander.ended]).toEqual([expect.objectContaining(REVOKED), undefined]);
  });
});
