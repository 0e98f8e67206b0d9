import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
  encode,
  fromBinary,
} from '#libs/envoy-api';
import { SILENCE } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, GRPC, listener, quiet, Rig, TYPE } from './rig.js';

let rig: Rig;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await rig.stop();
});

type Request = Parameters<typeof encode<typeof ClientStatusRequestSchema>>[1];
const PATH = '/envoy.service.status.v3.ClientStatusDiscoveryService';
const same = (bytes: Buffer): Buffer => bytes;

function connect(token: string): { client: Client; metadata: Metadata } {
  const client = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure());
  clients.push(client);
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return { client, metadata };
}

/** `node: type name config-status client-status version`, or the code of the refusal. */
async function fetch(token: string, request: Request = {}): Promise<readonly string[] | number> {
  const { client, metadata } = connect(token);
  const bytes = Buffer.from(encode(ClientStatusRequestSchema, request));
  return new Promise((resolve) => {
    client.makeUnaryRequest(`${PATH}/FetchClientStatus`, same, same, bytes, metadata, (error, reply) => {
      resolve(error ? error.code : lines(reply ?? Buffer.alloc(0)));
    });
  });
}

const lines = (reply: Buffer): string[] =>
  fromBinary(ClientStatusResponseSchema, reply).config.flatMap(({ node, genericXdsConfigs }) =>
    genericXdsConfigs.map((one) =>
      [
        `${node?.id}:`,
        one.typeUrl.split('.').at(-1),
        one.name,
        ConfigStatus[one.configStatus],
        ClientResourceStatus[one.clientStatus],
        one.errorState?.details ?? '',
      ].join(' '),
    ),
  );

describe('the client status service', () => {
  it('CSDS-1 tells what each stream has, waits for, refused and misses, and no contents', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'), endpoints('a'), listener('good'), listener('bad'));
    const client = rig.client({
      judge: (r) => {
        if (r.type === TYPE.endpoint) return SILENCE;
        return r.resources.some(({ name }) => name === 'bad') ? 'Error adding/updating listener(s) bad: no' : undefined;
      },
    });
    client.subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a', 'none']).subscribe(TYPE.listener);
    await client.waitFor(() => rig.state(TYPE.listener)?.refused.length === 1 && rig.nacks.length === 2);
    expect(await fetch('alice')).toEqual([
      'alice/1: Cluster a SYNCED ACKED ',
      'alice/1: ClusterLoadAssignment a STALE REQUESTED ',
      'alice/1: ClusterLoadAssignment none STALE REQUESTED ',
      'alice/1: Listener bad ERROR NACKED Error adding/updating listener(s) bad: no',
      'alice/1: Listener good SYNCED ACKED ',
    ]);
  });

  it('SEC-3 SEC-15 shows a principal its own streams, nothing to strangers, and all to whom the program says', async () => {
    rig = await Rig.start({ gatekeeper: { inspects: ({ id }) => id === 'operator' } });
    rig.publish(cluster('a'));
    for (const name of ['alice', 'bob']) {
      const client = rig.client({ token: name, node: { id: `${name}/1` } }).subscribe(TYPE.cluster);
      await client.waitFor((c) => c.names(TYPE.cluster).length === 1);
    }
    await expect.poll(() => rig.server.behind().size).toBe(0);
    expect(await fetch('bob')).toEqual(['bob/1: Cluster a SYNCED ACKED ']);
    expect(await fetch('carol')).toEqual([]);
    expect(await fetch('bad')).toBe(GRPC.UNAUTHENTICATED);
    expect(await fetch('operator')).toHaveLength(2);
    const prefix = { case: 'prefix', value: 'ALI' } as const;
    const only: Request = { nodeMatchers: [{ nodeId: { matchPattern: prefix, ignoreCase: true } }] };
    expect(await fetch('operator', only)).toEqual(['alice/1: Cluster a SYNCED ACKED ']);
  });

  it('CSDS-1 refuses to match nodes by what is not known of them', async () => {
    rig = await Rig.start();
    expect(await fetch('alice', { nodeMatchers: [{ nodeMetadatas: [{}] }] })).toBe(GRPC.INVALID_ARGUMENT);
    const regex = { case: 'safeRegex', value: { regex: '.*' } } as const;
    expect(await fetch('alice', { nodeMatchers: [{ nodeId: { matchPattern: regex } }] })).toBe(GRPC.INVALID_ARGUMENT);
  });

  it('SEC-5 SEC-8 counts its streams like others, and ends them with their credential', async () => {
    rig = await Rig.start({ limits: { streamsPerPrincipal: 2, unauthenticatedMs: 300 } });
    const codes: number[] = [];
    const open = () => {
      const { client, metadata } = connect('alice');
      const call = client.makeBidiStreamRequest(`${PATH}/StreamClientStatus`, same, same, metadata);
      const replied = new Promise<void>((resolve) => call.once('data', () => resolve()));
      call.on('error', (error: Error & { code: number }) => codes.push(error.code));
      call.write(Buffer.alloc(0));
      return replied;
    };
    await Promise.all([open(), open()]);
    void open();
    await expect.poll(() => codes).toEqual([GRPC.RESOURCE_EXHAUSTED]);
    await quiet(600); // a socket with such a stream is not an idle one
    expect(codes).toHaveLength(1);
    rig.server.disconnect(({ id }) => id === 'alice', 'UNAUTHENTICATED', 'revoked');
    await expect.poll(() => codes).toEqual([GRPC.RESOURCE_EXHAUSTED, GRPC.UNAUTHENTICATED, GRPC.UNAUTHENTICATED]);
    await open();
  });

  it('CSDS-1 answers each request of a stream', async () => {
    rig = await Rig.start();
    rig.publish(cluster('a'));
    const proxy = rig.client().subscribe(TYPE.cluster);
    await proxy.waitFor((c) => c.names(TYPE.cluster).length === 1);
    const { client, metadata } = connect('alice');
    const call = client.makeBidiStreamRequest(`${PATH}/StreamClientStatus`, same, same, metadata);
    const replies: string[][] = [];
    call.on('data', (reply: Buffer) => replies.push(lines(reply)));
    call.on('error', () => {});
    call.write(Buffer.alloc(0));
    await expect.poll(() => replies.length).toBe(1);
    call.write(Buffer.alloc(0));
    await expect.poll(() => replies.length).toBe(2);
    expect(replies[1]?.[0]).toMatch(/^alice\/1: Cluster a /);
    call.end();
  });
});
