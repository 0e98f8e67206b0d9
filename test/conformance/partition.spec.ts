import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeDelta } from '../../libs/testing/src/xds-client/index.js';
import { cluster, Rig, TYPE } from './rig.js';

let rig: Rig | undefined;
let wire: Wire | undefined;
afterEach(async () => {
  vi.useRealTimers();
  wire?.cut();
  await rig?.stop();
  [rig, wire] = [undefined, undefined];
});

type Direction = 'to the server' | 'to the client';

/** A network between clients and the server, which can lose everything in one direction, and says so to nobody. */
class Wire {
  readonly #lost = new Set<Direction>();
  readonly #sockets: Socket[] = [];

  private constructor(private readonly listener: Server) {}

  static async to(port: number): Promise<Wire> {
    const listener = createServer();
    const wire = new Wire(listener);
    listener.on('connection', (client) => wire.#join(client, connect(port, '127.0.0.1')));
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    return wire;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  lose(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#lost.add(direction);
  }

  cut(): void {
    this.listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, server: Socket): void {
    this.#sockets.push(client, server);
    for (const socket of [client, server]) socket.on('error', () => {});
    client.on('data', (data) => this.#lost.has('to the server') || server.write(data));
    server.on('data', (data) => this.#lost.has('to the client') || client.write(data));
  }
}

/** Lets time pass for timers, and what they caused reach the other end. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let i = 0; i < 200; i++) await turn();
}

describe('a network that loses everything', () => {
  it.each<[string, readonly Direction[]]>([
    ['from the server', ['to the client']],
    ['from the client', ['to the server']],
    ['both ways', ['to the client', 'to the server']],
  ])('REL-17 REL-18 %s: within 45 s the stream has ended, and nothing follows any view for it', async (_, lost) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
    rig = await Rig.start();
    rig.publish(cluster('a'));
    wire = await Wire.to(rig.port);
    const session = connectHttp2(`http://127.0.0.1:${wire.port}`);
    session.on('error', () => {});
    const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, authorization: 'Bearer alice' }).on('error', () => {});
    const message = encodeDelta({ type: TYPE.cluster, node: { id: 'alice/1' } });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.write(Buffer.concat([head, message]));
    await once(stream, 'data');
    stream.resume();
    wire.lose(...lost);
    await pass(25_000);
    expect(rig.server.streams()).toHaveLength(1);
    await pass(20_000);
    await vi.waitUntil(() => rig?.closed.length === 1, { timeout: 60_000 });
    expect(rig.metrics.counts.get('xds_streams')).toBe(0);
    // A change wakes nobody: nothing is encoded for it.
    const { encodes } = rig.server.counters();
    rig.update(cluster('a', 1));
    expect(rig.server.counters().encodes).toBe(encodes);
    session.destroy();
  });
});
