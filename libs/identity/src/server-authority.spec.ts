import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#libs/kernel';
import { DAY_MS, ManualClock, MemoryStore } from './fixture.js';
import { kekOf } from './kek.js';
import { CONTROL_PLANE_NAME, ServerAuthority } from './server-authority.js';

const kek = kekOf(new Uint8Array(32).fill(1));

/** Shakes hands over a real socket. @returns '' or why the client refused */
async function handshake(
  certificate: { certificatePem: string; privateKeyPem: { expose(): string } },
  caPem: string,
  servername: string,
): Promise<string> {
  const server = createServer({
    cert: certificate.certificatePem,
    key: certificate.privateKeyPem.expose(),
    minVersion: 'TLSv1.3',
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const socket: TLSSocket = connect({ port, host: '127.0.0.1', ca: caPem, servername }, () => {
        resolve('');
        socket.end();
      });
      socket.on('error', (error) => resolve(error.message));
    });
  } finally {
    server.close();
  }
}

describe('ServerAuthority', () => {
  it('SEC-17 signs a certificate that a client which pins the root accepts, by every fixed and configured name', async () => {
    const authority = new ServerAuthority({ authorities: new MemoryStore().authorities, kek, clock: systemClock });
    const certificate = await authority.issue(['mesh.example.com', '10.9.8.7', 'localhost']);
    expect(certificate.caPem).toBe(await authority.caPem());
    for (const name of [CONTROL_PLANE_NAME, 'localhost', 'mesh.example.com']) {
      expect(await handshake(certificate, certificate.caPem, name)).toBe('');
    }
    expect(await handshake(certificate, certificate.caPem, 'other.example.com')).toMatch(/altnames/);
    const impostor = new ServerAuthority({ authorities: new MemoryStore().authorities, kek, clock: systemClock });
    expect(await handshake(await impostor.issue([]), certificate.caPem, CONTROL_PLANE_NAME)).toMatch(
      /verify|issuer|self/,
    );
  });

  it('gives replicas certificates of their own under one root, and says when to renew', async () => {
    const store = new MemoryStore();
    const clock = new ManualClock();
    const [one, two] = [0, 1].map(() => new ServerAuthority({ authorities: store.authorities, kek, clock }));
    const [a, b] = [await one?.issue([]), await two?.issue([])];
    expect(a?.caPem).toBe(b?.caPem);
    expect(a?.certificatePem).not.toBe(b?.certificatePem);
    expect([a?.notAfter, a?.renewAt]).toEqual([clock.now() + 90 * DAY_MS, clock.now() + 60 * DAY_MS]);
    expect(store.rows.map(({ mesh, purpose }) => [mesh, purpose])).toEqual([['', 'server-root']]);
  });

  it('REL-31 refuses when the root has expired', async () => {
    const clock = new ManualClock();
    const authority = new ServerAuthority({ authorities: new MemoryStore().authorities, kek, clock });
    await authority.caPem();
    clock.jump(3650 * DAY_MS);
    await expect(authority.issue([])).rejects.toMatchObject({ reason: 'issuer-expired' });
  });
});
