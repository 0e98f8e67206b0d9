import { TYPE } from '#libs/envoy-api';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import type { BenchServer } from './server.js';

/** Fake sidecars that hold what a real one would, in this process. */
export interface Crowd {
  /** Resolves when every client has a newer version of the endpoints than at the call, with the times of first and last. */
  expectChange(): Promise<{ readonly first: number; readonly last: number }>;
  /** Cuts all streams and opens them again at once, each with what it holds. @returns milliseconds until all are served again, and of the server's CPU */
  storm(): Promise<{ readonly ms: number; readonly cpuMs: number }>;
  /** Bytes of all responses so far. */
  bytes(): number;
  disconnect(): void;
}

const CLUSTER = 'bench/orders/8080';
/** Types that a client asks for on a new stream. */
const REQUESTS = 5;

export async function connectClients(server: BenchServer, count: number): Promise<Crowd> {
  const owner = await connect(server, 'orders-1', 'orders');
  await owner.waitFor((one) => one.versions(TYPE.listener).size > 0 && one.versions(TYPE.secret).size === 2, 60_000);
  const clients: FakeXdsClient[] = [];
  for (let index = 0; index < count; index++) clients.push(await connect(server, `client-${index}`, 'client'));
  await Promise.all(
    clients.map((client) => client.waitFor((one) => one.versions(TYPE.endpoint).has(CLUSTER), 120_000)),
  );
  return {
    expectChange: () => nextEndpoints(clients),
    storm: () => storm(server, clients),
    bytes: () =>
      clients.reduce((sum, client) => sum + client.responses.reduce((total, response) => total + response.bytes, 0), 0),
    disconnect() {
      for (const client of [owner, ...clients]) client.disconnect();
    },
  };
}

/** All are served again when each has been let in and has asked for every type. */
async function storm(server: BenchServer, clients: readonly FakeXdsClient[]): Promise<{ ms: number; cpuMs: number }> {
  for (const client of clients) client.disconnect();
  while ((await server.metric('xds_streams')) > 1) await new Promise((resolve) => setTimeout(resolve, 20));
  const wanted = (await server.metric('xds_requests_total')) + clients.length * REQUESTS;
  const started = performance.now();
  const before = server.cpuMs();
  for (const client of clients) client.reconnect();
  while ((await server.metric('xds_requests_total')) < wanted) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Who could not be let in within a second is sent away, and comes again.
    for (const client of clients) if (client.ended) client.reconnect();
  }
  return { ms: performance.now() - started, cpuMs: server.cpuMs() - before };
}

/** Waits for endpoints at every client, by their arrival: a thousand clients that look at clocks would be measured too. */
function nextEndpoints(clients: readonly FakeXdsClient[]): Promise<{ first: number; last: number }> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('not every client had the change within 60 s')), 60_000);
    let [first, left] = [0, clients.length];
    for (const client of clients) {
      client.judgeWith(({ type }) => {
        if (type !== TYPE.endpoint) return undefined;
        client.judgeWith(() => undefined);
        const now = performance.now();
        first ||= now;
        if (--left === 0) {
          clearTimeout(late);
          resolve({ first, last: now });
        }
        return undefined;
      });
    }
  });
}

async function connect(server: BenchServer, name: string, workload: string): Promise<FakeXdsClient> {
  const client = new FakeXdsClient({
    address: `127.0.0.1:${server.xdsPort}`,
    token: await server.join(name, workload),
    caPem: server.caPem,
    serverName: 'control-plane.heddle.local',
    node: { id: `default/bench/${workload}/${name}`, userAgentName: 'envoy', userAgentVersion: '1.40.0' },
  });
  return client
    .connect()
    .subscribe(TYPE.cluster)
    .subscribe(TYPE.endpoint, [CLUSTER])
    .subscribe(TYPE.secret, ['identity', 'trust'])
    .subscribe(TYPE.listener)
    .subscribe(TYPE.scopedRoute);
}
