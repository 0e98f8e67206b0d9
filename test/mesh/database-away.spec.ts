import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { silentLog } from '#libs/kernel';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/store';
import { type Member, Mesh, sendRaw, untilStatus } from './mesh.js';

const service = (name: string): string => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]
  selector: { matchLabels: { app: back } }
---`;

describe('REL-2 while Postgres is away', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;
  let mesh: Mesh;
  let front: Member;
  let back: Member;

  const startPostgres = () => startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log: silentLog });
  const call = (host = 'back') => sendRaw(front, { path: '/', host });
  /** Status, Retry-After and text of an attempt to write. */
  const write = async (name: string): Promise<readonly [number, string | null, string]> => {
    const { url, token } = mesh.controlPlane;
    const response = await fetch(`${url}/api/v1/meshes/default/namespaces/shop/services/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(parse(service(name).replace('---', ''))),
    });
    return [response.status, response.headers.get('retry-after'), await response.text()];
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'heddle-away-'));
    chmodSync(dataDir, 0o711); // as root, Postgres runs as another user, who has to pass through
    postgres = await startPostgres();
    mesh = await Mesh.start({ HEDDLE_DATABASE_URL: postgres.url });
    await mesh.apply(service('front') + service('back'));
    [front, back] = await Promise.all([mesh.join('front', 11), mesh.join('back', 12)]);
    await untilStatus(200, call);
    await postgres.stop();
  });

  afterAll(async () => {
    await mesh?.stop();
    await postgres?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('Envoys keep what they have', async () => {
    expect(await call()).toEqual({ status: 200, body: 'back' });
  });

  it('writes get 503 with Retry-After, and the answer names the database', async () => {
    const [status, retryAfter, text] = await write('later');
    expect([status, Number(retryAfter) > 0, /database/.test(text)]).toEqual([503, true, true]);
  });

  it('an Envoy that starts again is let in and served the last good state', async () => {
    await back.sidecar.kill();
    await back.sidecar.restart();
    expect(await untilStatus(200, call)).toEqual({ status: 200, body: 'back' });
  });

  it('and once it is back, everything catches up by itself', async () => {
    postgres = await startPostgres();
    await expect.poll(async () => (await write('later'))[0], { timeout: 120_000, interval: 200 }).toBeLessThan(300);
    await mesh.apply(service('again'));
    expect(await untilStatus(200, () => call('again'))).toEqual({ status: 200, body: 'back' });
  });
});
