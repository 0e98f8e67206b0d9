import 'reflect-metadata';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '#libs/kernel';
import { XdsServer } from '#libs/xds';
import { HandClock } from '../../libs/testing/src/clock/index.js';
import { encodeDelta } from '../../libs/testing/src/xds-client/index.js';
import { type Certificate, selfSigned } from '../self-signed.js';
import { CountingMetrics, cluster, quiet, Rig, secretBytes, TYPE } from './rig.js';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

describe('keepalive', () => {
  const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

  it('NET-1 a client that is silent is asked after 30 s; one that answers stays', async () => {
    const clock = new HandClock();
    rig = await Rig.start({ clock });
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    let pings = 0;
    session.on('ping', () => pings++);
    await once(session, 'remoteSettings');
    await clock.advance(29_000);
    expect(pings).toBe(0);
    await clock.advance(5_000);
    await expect.poll(() => pings).toBe(1);
    await clock.advance(29_000);
    expect(session.closed).toBe(false);
    session.destroy();
  });

  it('NET-1 BUG-31 one that does not answer within 10 s is dropped', async () => {
    const clock = new HandClock();
    rig = await Rig.start({ clock });
    const socket = connect(rig.port, '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from(HTTP2_PREFACE), EMPTY_SETTINGS]));
    await once(socket, 'data');
    socket.resume();
    const closed = once(socket, 'close');
    await clock.advance(39_000);
    expect(socket.closed).toBe(false);
    await clock.advance(7_000);
    await closed;
  });
});

describe('TLS', () => {
  const certificateOf = (): Promise<Certificate> => selfSigned([{ type: 'dns', value: 'localhost' }]);

  async function handshake({ certificate }: Certificate, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const port = rig?.port ?? 0;
    const socket = connectTls({ host: '127.0.0.1', port, ca: certificate, servername: 'localhost', ...options });
    await once(socket, 'secureConnect');
    return socket;
  }

  it('SEC-6 a session is never resumed: every connection is checked anew', async () => {
    const certificate = await certificateOf();
    const { key: keyPem, certificate: certPem } = certificate;
    rig = await Rig.start({ tls: { keyPem, certPem } });
    const first = await handshake(certificate, { ALPNProtocols: ['h2'] });
    const offered: Buffer[] = [];
    first.on('session', (session) => offered.push(session));
    // The server's settings come after its tickets, if it has any.
    await once(first, 'data');
    const session = offered.at(-1) ?? first.getSession();
    const second = await handshake(certificate, { ALPNProtocols: ['h2'], ...(session ? { session } : {}) });
    expect(second.isSessionReused()).toBe(false);
    for (const socket of [first, second]) socket.destroy();
  });

  it('SEC-6 there is nothing older than TLS 1.3', async () => {
    const certificate = await certificateOf();
    const { key: keyPem, certificate: certPem } = certificate;
    rig = await Rig.start({ tls: { keyPem, certPem } });
    await expect(handshake(certificate, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version|alert/i);
    const socket = await handshake(certificate);
    expect(socket.getProtocol()).toBe('TLSv1.3');
    socket.destroy();
  });
});

describe('plaintext', () => {
  const never = () => Promise.reject(new Error('nobody gets this far'));
  const server = () =>
    new XdsServer({
      gatekeeper: { authenticate: never, admit: never },
      ...{ clock: systemClock, log: silentLog, metrics: new CountingMetrics() },
    });

  it.each(['0.0.0.0', '::', '', '192.0.2.1', 'localhost.example.com', '127.0.0.1.example.com'])(
    'SEC-16 is refused on %j',
    async (host) => {
      const refused = server();
      await expect(refused.start({ host, port: 0, tls: 'plaintext' })).rejects.toThrow(/loopback/);
      await refused.stop({ graceMs: 0 });
    },
  );

  it('SEC-16 carries no secret, not even to loopback, and the source is not asked', async () => {
    const asked: string[] = [];
    rig = await Rig.start({
      secretsOverPlaintext: false,
      secrets: {
        resolve: (_p, _n, name) => {
          asked.push(name);
          return Promise.resolve({ kind: 'send', version: 'v1', bytes: secretBytes(name) });
        },
        recheckAfterMs: () => undefined,
      },
    });
    rig.publish(cluster('a'));
    const clients = (['delta', 'sotw'] as const).flatMap((variant) =>
      (['ads', 'sds'] as const).map((service) =>
        rig?.client({ variant, service }).subscribe(TYPE.secret, ['identity']),
      ),
    );
    await expect
      .poll(() => rig?.server.streams().filter(({ types }) => types.length === 1).length, { timeout: 60_000 })
      .toBe(4);
    rig.server.secretsChanged();
    await quiet();
    expect(clients.map((client) => client?.responses)).toEqual([[], [], [], []]);
    expect(asked).toEqual([]);
  });
});

describe('a client that does not read its socket', () => {
  const MEGABYTE = 1024 * 1024;
  const CHANGES = 100;
  /** A cluster of one megabyte. */
  const big = (mark: number) => {
    const small = cluster('big', mark);
    const padding = Buffer.alloc(MEGABYTE, 'x');
    const head = Buffer.from([0xfa, 0x3f, 0x80, 0x80, 0x40]); // field 1023, a string of 2^20 bytes
    return { ...small, bytes: Buffer.concat([small.bytes, head, padding]) };
  };

  it('REL-16 costs one response, and the others have every change meanwhile', async () => {
    rig = await Rig.start();
    rig.publish(big(0));
    const stuck = rig.client({ node: { id: 'alice/stuck' } });
    stuck.stream.pause();
    stuck.subscribe(TYPE.cluster);
    const good = rig.client().subscribe(TYPE.cluster);
    await good.waitFor((c) => c.names(TYPE.cluster).length === 1);
    await good.waitFor(() => rig?.server.counters().responses === 2);
    for (let mark = 1; mark <= CHANGES; mark++) {
      const { version } = cluster('big', mark);
      rig.publish(big(mark));
      await good.waitFor((c) => c.versions(TYPE.cluster).get('big') === version);
    }
    expect(good.responses).toHaveLength(CHANGES + 1);
    const { responses, bytesSent } = rig.server.counters();
    expect(responses).toBe(CHANGES + 2);
    expect(bytesSent - good.bytesReceived).toBeLessThan(1.1 * MEGABYTE);
    expect(stuck.responses).toEqual([]);
    stuck.stream.resume();
    await stuck.waitFor((c) => c.versions(TYPE.cluster).get('big') === cluster('big', CHANGES).version, 60_000);
    expect(stuck.responses).toHaveLength(2);
  });

  it('REL-16 is cut when it owes an answer for too long, and its connection with it', async () => {
    rig = await Rig.start({ limits: { ackProgressMs: 500, checkMs: 50 } });
    rig.publish(big(0));
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    const closed = once(session, 'close');
    neverRead(session);
    await expect.poll(() => rig?.server.streams().length, { timeout: 60_000 }).toBe(1);
    await expect.poll(() => rig?.server.streams().length, { timeout: 60_000 }).toBe(0);
    await closed;
    expect(rig.metrics.counts.get('xds_limit_total ackProgressMs')).toBe(1);
  });

  it('NET-4 REL-16 SEC-11 cannot guess what it would have to answer, and is not sent more', async () => {
    rig = await Rig.start();
    rig.publish(big(0));
    const honest = rig.client().subscribe(TYPE.cluster);
    await honest.waitFor((c) => c.responses.length === 1);
    const [epoch, stream] = (honest.responses[0]?.nonce ?? '').split('.');
    honest.disconnect();
    const before = rig.server.counters();
    const guessing = rig.client();
    guessing.stream.pause();
    guessing.subscribe(TYPE.cluster);
    await expect.poll(() => rig?.server.counters().responses, { timeout: 60_000 }).toBe(before.responses + 1);
    for (let n = 1; n <= CHANGES; n++) {
      guessing.send({ type: TYPE.cluster, nonce: `${epoch}.${stream}.${n}` });
      rig.publish(big(n));
    }
    await quiet(200);
    expect(rig.state(TYPE.cluster)?.pending).toEqual(['big']);
    // What HTTP/2 has taken counts as written, so it is a few and not a hundred.
    expect(rig.server.counters().bytesSent - before.bytesSent).toBeLessThan(5 * MEGABYTE);
    guessing.stream.resume();
    await guessing.waitFor((c) => c.versions(TYPE.cluster).get('big') === cluster('big', CHANGES).version, 60_000);
  });

  /** Asks for clusters and takes nothing of the answer. */
  function neverRead(session: ClientHttp2Session): void {
    const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, authorization: 'Bearer alice' });
    stream.on('error', () => {});
    session.on('error', () => {});
    const message = encodeDelta({ type: TYPE.cluster, node: { id: 'alice/1' } });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.write(Buffer.concat([head, message]));
  }
});
