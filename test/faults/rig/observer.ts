import { TYPE } from '#libs/envoy-api';
import { FakeXdsClient } from '../../../libs/testing/src/xds-client/index.js';
import type { Replica } from './replica.js';
import type { Rig } from './rig.js';

const INSTANCE = 'observer-1';
const PATH = '/api/v1/meshes/default/namespaces/shop';
/** Where what a proxy is sent has content that is a function of revisions alone: secrets are exempt. */
const TYPES = [TYPE.cluster, TYPE.endpoint, TYPE.listener, TYPE.scopedRoute, TYPE.route];

/**
 * A proxy that looks and serves nobody: it reads, at each replica, what a proxy there is sent, with the versions, which
 * are hashes of the content (I4).
 */
export class Observer {
  private constructor(
    private readonly rig: Rig,
    private readonly token: string,
  ) {}

  static async register(rig: Rig): Promise<Observer> {
    await rig.request('PUT', `${PATH}/instances/${INSTANCE}`, {
      workload: 'observer',
      bind: { address: '127.0.0.1', ports: { http: 18_080 } },
      app: { address: '127.0.0.1', ports: { http: 18_081 } },
      outbound: { address: '127.250.0.1', httpPort: 15_001 },
      host: 'observer',
    });
    const body = { workload: 'observer', instance: INSTANCE, addresses: ['127.0.0.0/8'] };
    const { token } = await rig.request<{ token: string }>('POST', `${PATH}/proxy-tokens`, body);
    return new Observer(rig, token);
  }

  /** Holds all that the replica sends. */
  async watch(replica: Replica): Promise<FakeXdsClient> {
    const client = new FakeXdsClient({
      address: `127.0.0.1:${replica.xdsPort}`,
      token: this.token,
      caPem: this.rig.caPem,
      serverName: this.rig.xds.serverName,
      node: { id: `default/shop/observer/${INSTANCE}`, userAgentName: 'envoy', userAgentVersion: '1.40.0' },
    });
    client.connect().subscribe(TYPE.cluster);
    await client.waitFor((one) => one.versions(TYPE.cluster).size > 0, 20_000);
    client.subscribe(
      TYPE.endpoint,
      client.names(TYPE.cluster).filter((name) => !name.startsWith('inbound/')),
    );
    client.subscribe(TYPE.listener).subscribe(TYPE.scopedRoute);
    await client.waitFor((one) => one.versions(TYPE.scopedRoute).size > 0, 20_000);
    client.subscribe(TYPE.route, ['shop/back', 'shop/front']);
    await client.waitFor((one) => one.versions(TYPE.route).size > 0, 20_000);
    return client;
  }
}

/** One line for each resource: its type, name and version. */
export const contents = (client: FakeXdsClient): string =>
  TYPES.flatMap((type) => [...client.versions(type)].map(([name, version]) => `${type} ${name} ${version}`))
    .sort()
    .join('\n');
