import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { TYPE } from '#libs/envoy-api';
import type { Random } from '../../libs/testing/src/faults/index.js';
import { encodeDelta } from '../../libs/testing/src/xds-client/index.js';

const bytes = (random: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));

const REQUEST = encodeDelta({
  type: TYPE.endpoint,
  node: { id: 'fuzz' },
  names: ['a', 'pulse'],
  unsubscribe: ['b'],
  initialVersions: { a: '1' },
  nonce: 'n',
  error: 'words',
});

const METHODS = ['StreamAggregatedResources', 'DeltaAggregatedResources'];

/** A gRPC frame: a flag, a length, and what is said to be so long. */
function frame(flag: number, length: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

function call(session: ClientHttp2Session, random: Random, more: Record<string, string> = {}): ClientHttp2Stream {
  const path = `/envoy.service.discovery.v3.AggregatedDiscoveryService/${METHODS[random(2)]}`;
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...headers, authorization: 'Bearer bad', ...more });
  stream.on('error', () => {});
  return stream.resume();
}

/** A valid request of which some bytes are others, are missing, or are there twice. */
function mutated(random: Random): Buffer {
  const copy = Buffer.from(REQUEST);
  for (let i = 0; i <= random(6); i++) copy[random(copy.length)] = random(256);
  const cut = copy.subarray(0, random(3) === 0 ? random(copy.length) : copy.length);
  return random(4) === 0 ? Buffer.concat([cut, cut]) : cut;
}

type Attack = (session: ClientHttp2Session, random: Random) => ClientHttp2Stream;

const send = (session: ClientHttp2Session, random: Random, data: Buffer, more?: Record<string, string>) => {
  const stream = call(session, random, more);
  stream.end(data);
  return stream;
};

/** What an authenticated client may send on a stream. */
const ATTACKS: readonly Attack[] = [
  (session, random) => {
    const body = mutated(random);
    return send(session, random, frame(0, body.length, body));
  },
  (session, random) => {
    const body = bytes(random, random(200));
    return send(session, random, frame(0, body.length, body));
  },
  // A length of up to 4 GiB, and nothing of it.
  (session, random) => send(session, random, frame(0, 0xffffffff - random(1000), bytes(random, 20))),
  // Compressed, it says, by what is none.
  (session, random) =>
    send(session, random, frame(1, 40, bytes(random, 40)), {
      'grpc-encoding': ['gzip', 'deflate', 'br', 'x'][random(4)] ?? '',
    }),
  (session, random) => send(session, random, bytes(random, random(64)), { 'content-type': 'text/html' }),
  // Half a frame, then gone.
  (session, random) => {
    const stream = call(session, random);
    stream.write(frame(0, 1000, bytes(random, 100)));
    stream.close(random(14));
    return stream;
  },
  // Many names, long ones, and names of objects' innards.
  (session, random) => {
    const names = Array.from(
      { length: random(2000) },
      (_, i) => ['__proto__', 'constructor', `n${i}`, 'x'.repeat(random(2000))][i % 4] ?? '',
    );
    const body = encodeDelta({ type: TYPE.endpoint, node: { id: 'fuzz' }, names });
    return send(session, random, frame(0, body.length, body));
  },
  (session, random) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${bytes(random, 8).toString('hex')}`,
      'content-type': 'application/grpc',
    });
    stream.on('error', () => {}).resume();
    stream.end(bytes(random, 30));
    return stream;
  },
];

/** Bytes that are no HTTP/2 at all. */
async function noise(port: number, random: Random): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.end(bytes(random, 1 + random(500)));
  await once(socket.resume(), 'close');
}

/** One connection with some attacks on it, all of them awaited. */
export async function attack(port: number, random: Random): Promise<void> {
  if (random(5) === 0) {
    await noise(port, random);
    return;
  }
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const closed = once(session, 'close').catch(() => []);
  const ends = Array.from({ length: 1 + random(8) }, async () => {
    const stream = ATTACKS[random(ATTACKS.length)]?.(session, random);
    if (stream && !stream.closed) await once(stream, 'close').catch(() => []);
  });
  await Promise.race([Promise.all(ends), closed]);
  session.destroy();
  await closed;
}
