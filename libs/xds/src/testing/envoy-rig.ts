import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type OutgoingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { XdsServer } from '../server.js';
import type { NackInfo, Resource, SecretSource } from '../types.js';
import { BreakableWire } from './breakable-wire.js';

export interface EnvoyUnderTest {
  /** Its executable. */
  readonly binary: string;
  /** A free port for its admin interface. */
  readonly adminPort: number;
  readonly apiType: 'DELTA_GRPC' | 'GRPC';
  /** With them the way to Envoy must be TLS. */
  readonly secrets?: SecretSource;
  readonly tls?: RigTls;
  /** Features that its bootstrap announces, beside those that it announces by itself. */
  readonly clientFeatures?: readonly string[];
}

export interface RigTls {
  readonly keyPem: string;
  readonly certPem: string;
  readonly caPem: string;
  /** A name of the certificate. */
  readonly serverName: string;
}

const LOOPBACK = '127.0.0.1';
const socketAddress = (port: number) => ({ socket_address: { address: LOOPBACK, port_value: port } });

const transportSocket = ({ caPem, serverName }: RigTls): object => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    sni: serverName,
    common_tls_context: {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
      alpn_protocols: ['h2'],
      validation_context: { trusted_ca: { inline_string: caPem } },
    },
  },
});

const bootstrap = (xds: number, admin: number, { apiType, tls, clientFeatures = [] }: EnvoyUnderTest): object => ({
  node: { id: 'first/1', cluster: 'first', client_features: clientFeatures },
  admin: { address: socketAddress(admin) },
  dynamic_resources: {
    ads_config: {
      api_type: apiType,
      transport_api_version: 'V3',
      grpc_services: [
        // Quick to come back, so that a test of a restart does not wait for Envoy's usual patience.
        {
          envoy_grpc: {
            cluster_name: 'xds',
            retry_policy: { retry_back_off: { base_interval: '0.1s', max_interval: '0.2s' } },
          },
        },
      ],
    },
    cds_config: { resource_api_version: 'V3', ads: {} },
    lds_config: { resource_api_version: 'V3', ads: {} },
  },
  static_resources: {
    clusters: [
      {
        name: 'xds',
        connect_timeout: '1s',
        ...(tls ? { transport_socket: transportSocket(tls) } : {}),
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
            explicit_http_config: { http2_protocol_options: {} },
          },
        },
        load_assignment: {
          cluster_name: 'xds',
          endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(xds) } }] }],
        },
      },
    ],
  },
});

/** One stock Envoy under an engine of its own, with applications that answer their name. */
export class EnvoyRig {
  readonly nacks: NackInfo[] = [];
  readonly #dir = mkdtempSync(join(tmpdir(), 'envoy-rig-'));
  readonly #applications: Server[] = [];
  #envoy: ChildProcess | undefined;
  #published: readonly Resource[] = [];
  #previous: readonly string[] = [];
  #change = 0;
  #xds = 0;
  #admin = 0;
  #wire: BreakableWire | undefined;
  server: XdsServer;

  private constructor(private readonly options: EnvoyUnderTest) {
    this.server = this.#makeServer();
  }

  static async start(options: EnvoyUnderTest): Promise<EnvoyRig> {
    const { binary, adminPort } = options;
    const rig = new EnvoyRig(options);
    rig.#xds = await rig.#listen(0);
    rig.#wire = await BreakableWire.start(rig.#xds);
    rig.#admin = adminPort;
    const config = join(rig.#dir, 'envoy.json');
    writeFileSync(config, JSON.stringify(bootstrap(rig.#wire.port, rig.#admin, options)));
    const args = ['-c', config, '--concurrency', '1', '--use-dynamic-base-id', '-l', 'error'];
    rig.#envoy = spawn(binary, args, { stdio: 'ignore' });
    return rig;
  }

  /** What is between Envoy and the engine. */
  get wire(): BreakableWire {
    if (!this.#wire) throw new Error('not started');
    return this.#wire;
  }

  /** Body of a page of Envoy's admin interface. */
  admin(path: string): Promise<string> {
    return fetchText(this.#admin, path);
  }

  /** @returns its port */
  async application(name: string): Promise<number> {
    const server = createServer((_request, response) => response.end(name));
    this.#applications.push(server);
    await once(server.listen(0, LOOPBACK), 'listening');
    const bound = server.address();
    return typeof bound === 'object' && bound ? bound.port : 0;
  }

  /** Makes these all that there is. */
  publish(...set: readonly Resource[]): void {
    this.#published = set;
    const keys = set.map((r) => r.key);
    const removed = this.#previous.filter((key) => !keys.includes(key));
    this.#previous = keys;
    this.server.publish({
      change: ++this.#change,
      set,
      removed,
      layers: [{ id: 'all', keys }],
      removedLayers: [],
      views: [{ id: 'main', layers: ['all'] }],
      removedViews: [],
    });
  }

  /** True once nothing of the newest publication is left to send or to be answered. */
  get delivered(): boolean {
    const { streams, acked } = this.server.progress(this.#change);
    return streams === 1 && acked === 1;
  }

  /** The engine goes away without a word, and another one with the same state takes its port. */
  async restartServer(): Promise<void> {
    await this.server.stop({ graceMs: 0 });
    this.server = this.#makeServer();
    this.#previous = [];
    this.publish(...this.#published);
    await this.#listen(this.#xds);
  }

  /** A counter or gauge of Envoy's admin interface; 0 when it is not there. */
  async stat(name: string): Promise<number> {
    const text = await fetchText(this.#admin, `/stats?filter=^${name}$`);
    return Number(text.split(': ')[1] ?? 0);
  }

  async stop(): Promise<void> {
    const ended = this.#envoy && once(this.#envoy, 'exit');
    this.#envoy?.kill('SIGKILL');
    await ended;
    await this.#wire?.stop();
    await this.server.stop({ graceMs: 0 });
    for (const application of this.#applications) application.close();
    rmSync(this.#dir, { recursive: true });
  }

  #listen(port: number): Promise<number> {
    return this.server.start({ host: LOOPBACK, port, tls: this.options.tls ?? 'plaintext' });
  }

  #makeServer(): XdsServer {
    return new XdsServer({
      gatekeeper: {
        authenticate: () => Promise.resolve({ id: 'first', expiresAt: Number.MAX_SAFE_INTEGER, claims: undefined }),
        admit: () => Promise.resolve('main'),
      },
      listener: { nacked: (_stream, nack) => void this.nacks.push(nack) },
      ...(this.options.secrets ? { secrets: this.options.secrets } : {}),
      ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
    });
  }
}

/** Body of a GET, or the error's text. */
export const fetchText = (port: number, path = '/', headers: OutgoingHttpHeaders = {}): Promise<string> =>
  new Promise((resolve) => {
    const request = get({ host: LOOPBACK, port, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve(body));
    });
    request.on('error', (error) => resolve(String(error)));
  });

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
