import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TYPE } from '#libs/envoy-api';
import {
  CONTROL_PLANE_NAME,
  createMeshIdentity,
  kekOf,
  type LeafFacts,
  type MeshIdentity,
  parseLeafVersion,
} from '#libs/identity';
import { type Clock, silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { findEnvoy, freePort } from '#libs/launcher';
import { openStore, type Store } from '#libs/store';
import type { Resource, SecretSource } from '#libs/xds';
import { createApplication } from '../../libs/testing/src/application/index.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { cluster, EnvoyRig, endpoints, until } from '../../libs/xds/testing/index.js';
import { Load } from './load.js';
import { mtlsCluster, mtlsListener, plainListener } from './mtls-resources.js';

const MESH = 'default';
const WHO = { mesh: MESH, namespace: 'shop', workload: 'self', instance: 'self-1' };
/** The shortest there is: due for renewal after 24 to 36 s. */
const LEAF_MS = 60_000;
/** Past every renewal time. Eight of these stay within the five minutes that certificates are backdated. */
const ONE_LEAF_MS = 37_000;

/**
 * One stock Envoy that calls itself over mutual TLS, for each request with a handshake of its own, with certificates of
 * the real authority over a real Postgres. The authority's clock can be moved ahead; everything else has the machine's.
 */
export class SecretRig {
  readonly #dir = mkdtempSync(join(tmpdir(), 'heddle-secrets-'));
  readonly #clock = new MovedClock();
  #server: Server | undefined;
  #database: TestDatabase | undefined;
  #store: Store | undefined;
  #rig: EnvoyRig | undefined;
  #identity: MeshIdentity | undefined;
  #load: Load | undefined;
  #base: readonly Resource[] = [];
  /** Leaves made so far. */
  issued = 0;
  /** Settled by tests: what is given out under names that are not the mesh's own. */
  readonly extra = new Map<string, ReturnType<SecretSource['resolve']>>();

  static async start(version: string, apiType: 'DELTA_GRPC' | 'GRPC'): Promise<SecretRig> {
    const rig = new SecretRig();
    await rig.#startIdentity();
    const { path } = await findEnvoy({ version });
    const { certificatePem: certPem, privateKeyPem, caPem } = await rig.identity.server.issue([]);
    rig.#rig = await EnvoyRig.start({
      ...{ binary: path, adminPort: await freePort(), apiType, secrets: rig.#source() },
      tls: { keyPem: privateKeyPem.expose(), certPem, caPem, serverName: CONTROL_PLANE_NAME },
    });
    // As the product wires it.
    rig.identity.authority.onTrustChanged(() => rig.envoy.server.secretsChanged());
    const [inbound, outbound] = [await freePort(), await freePort()];
    const id = `spiffe://${MESH}.heddle.local/shop/self`;
    rig.#base = [
      ...[cluster('app'), endpoints('app', await rig.#application())],
      ...[mtlsCluster('self', id), endpoints('self', inbound)],
      ...[mtlsListener('inbound', inbound, 'app'), plainListener('outbound', outbound, 'self')],
    ];
    rig.publish();
    await until('it serves over mTLS', async () => {
      const probe = new Load({ port: outbound }, 1);
      await until('an answer', () => probe.total > 0);
      await probe.stop();
      return probe.failures.length === 0;
    });
    rig.#load = new Load({ port: outbound });
    return rig;
  }

  /** The base configuration, and what is given beside it. */
  publish(...more: readonly Resource[]): void {
    this.envoy.publish(...this.#base, ...more);
  }

  get envoy(): EnvoyRig {
    return made(this.#rig);
  }

  get identity(): MeshIdentity {
    return made(this.#identity);
  }

  get load(): Load {
    return made(this.#load);
  }

  /** Rows of one statement. */
  rows(statement: string): Promise<unknown[]> {
    return made(this.#database).rows(statement);
  }

  /** The leaf is due for renewal, and everybody is asked. */
  renew(): void {
    this.#clock.ahead += ONE_LEAF_MS;
    this.envoy.server.secretsChanged();
  }

  /** What the database knows of the authorities becomes older. */
  async age(interval: string): Promise<void> {
    await this.rows(`UPDATE authority SET created_at = created_at - interval '${interval}',
      activated_at = activated_at - interval '${interval}', retired_at = retired_at - interval '${interval}'`);
  }

  rotate(): Promise<readonly string[]> {
    return this.identity.rotation.run(MESH).then((steps) => steps.map(({ kind, purpose }) => `${kind} ${purpose}`));
  }

  /** Serials of the certificates that Envoy has loaded, as its admin page says. */
  async loaded(): Promise<ReadonlySet<string>> {
    const { certificates = [] } = JSON.parse(await this.envoy.admin('/certs')) as {
      certificates?: { cert_chain?: { serial_number: string }[] }[];
    };
    return new Set(certificates.flatMap(({ cert_chain: [leaf] = [] }) => (leaf ? [leaf.serial_number] : [])));
  }

  /** Envoy has loaded exactly one leaf, none of these. @returns its serial */
  async loadedNew(known: ReadonlySet<string>): Promise<string> {
    let serial = '';
    await until('another leaf is loaded', async () => {
      const loaded = await this.loaded();
      [serial = ''] = loaded;
      return loaded.size === 1 && !known.has(serial);
    });
    return serial;
  }

  /** Every new connection presents this leaf. */
  async inUse(serial: string): Promise<void> {
    const all = this.load.next(20, (bodies) => bodies.every((body) => body === serial));
    await until(`connections use ${serial}`, all);
  }

  /** Version of a secret that the newest stream has ACKed. */
  acked(name: string): string | undefined {
    return this.envoy.server
      .streams()
      .at(-1)
      ?.types.find(({ type }) => type === TYPE.secret)
      ?.acked.get(name);
  }

  leaf(): LeafFacts | undefined {
    return parseLeafVersion(this.acked('identity') ?? '');
  }

  async drains(): Promise<readonly number[]> {
    const names = ['listener_modified', 'listener_removed', 'listener_in_place_updated', 'total_listeners_draining'];
    const clusters = ['cluster_manager.cluster_modified', 'cluster_manager.cluster_removed'];
    const all = [
      ...names.map((name) => `listener_manager.${name}`),
      ...clusters,
      'http.inbound.downstream_cx_drain_close',
    ];
    return Promise.all(all.map((name) => this.envoy.stat(name)));
  }

  async stop(): Promise<void> {
    await this.#load?.stop();
    await this.#rig?.stop();
    await this.#identity?.stop();
    await this.#store?.close();
    await this.#database?.drop();
    this.#server?.close().closeAllConnections();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #startIdentity(): Promise<void> {
    this.#database = await createTestDatabase();
    this.#store = await openStore({ url: this.#database.url, replica: 'rig' });
    const { authorities, tokens } = this.#store;
    this.#identity = createMeshIdentity({
      ...{ authorities, tokens, kek: kekOf(new Uint8Array(32).fill(7)), dataDirectory: this.#dir },
      ...{ leafLifetimeMs: LEAF_MS, clock: this.#clock, log: silentLog },
      metrics: {
        ...silentMetrics,
        count: (name) => {
          if (name === 'heddle_certificates_issued_total') this.issued += 1;
        },
      },
    });
    await this.#identity.authority.of(MESH);
  }

  #source(): SecretSource {
    return {
      resolve: (_principal, _node, name, held) =>
        this.extra.get(name) ?? this.identity.secrets.resolve(WHO, name, held),
      recheckAfterMs: (_principal, _name, version) => this.identity.secrets.renewAfterMs(version, this.#clock.now()),
    };
  }

  /** Answers the serial of the certificate that its caller had. @returns its port */
  async #application(): Promise<number> {
    const server = createApplication((request, response) => {
      const [, pem = ''] = /Cert="([^"]+)"/.exec(String(request.headers['x-forwarded-client-cert'])) ?? [];
      response.end(new X509Certificate(decodeURIComponent(pem)).serialNumber.toLowerCase());
    });
    this.#server = server;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const bound = server.address();
    return typeof bound === 'object' && bound ? bound.port : 0;
  }
}

/** The machine's clock, some milliseconds ahead. */
class MovedClock implements Clock {
  ahead = 0;
  now = (): number => systemClock.now() + this.ahead;
  monotonic = (): number => systemClock.monotonic();
  after = (ms: number, task: () => void): (() => void) => systemClock.after(ms, task);
  every = (ms: number, task: () => void): (() => void) => systemClock.every(ms, task);
}

function made<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not started');
  return value;
}
