import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hook } from '../../../libs/alerts/testing/servers.js';
import { createTestDatabase, type TestDatabase } from '../../../libs/testing/src/postgres/index.js';
import { Launchpad, type Run, ready } from './testing/process.js';

/** Receivers lead to a port that is kept while processes come and go. */
const FLAGS = ['--alerts-every-seconds', '1', '--alerts-allowed-hosts', '127.0.0.1'];

describe('alerts of a control plane that is killed', () => {
  const pad = new Launchpad();
  let database: TestDatabase;
  let hook: Hook;
  let token = '';

  beforeAll(async () => {
    database = await createTestDatabase();
    hook = await Hook.start();
  });
  afterAll(async () => {
    await pad.cleanUp();
    await hook?.stop();
    await database?.drop();
  });

  const launch = (): Run => pad.launch('--database-url', database.url, ...FLAGS);
  const call = async (url: string, method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  it('what was decided and not sent is sent by the next process: at least once, and the end of it, too', async () => {
    const first = launch();
    const url = await ready(first);
    const oneTime = readFileSync(join(pad.dataDir, 'admin-token'), 'utf8').trim();
    const login = await fetch(`${url}/api/v1/login/exchange`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: oneTime, name: 'tests' }),
    });
    token = ((await login.json()) as { token: string }).token;
    const at = '/meshes/default/namespaces/shop';
    const webhook = { url: hook.url() };
    const spec = { webhook, groupWait: '0s', groupInterval: '1s', scope: 'Mesh', matchers: ['alertname="old"'] };
    const kind = { apiVersion: 'heddle.dev/v1alpha1' };
    expect((await call(url, 'PUT', `${at}/alertreceivers/oncall`, { ...kind, spec })).status).toBe(201);
    hook.isDeaf = true;
    // No authority lasts that long.
    const old = { scope: 'Mesh', authorityExpiry: { within: '99999h' }, for: '0s', keepFiring: '0s' };
    expect((await call(url, 'PUT', `${at}/alertrules/old`, { ...kind, spec: old })).status).toBe(201);
    await expect.poll(() => hook.received.length).toBeGreaterThan(0);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(await database.rows(`SELECT state, receiver FROM alert_notification`)).toEqual([
      { state: 'queued', receiver: 'shop/oncall' },
    ]);

    hook.isDeaf = false;
    const before = hook.received.length;
    const second = launch();
    const again = await ready(second);
    await expect.poll(() => hook.received.length).toBeGreaterThan(before);
    expect(hook.told.at(-1)).toBe('firing old');
    expect((await call(again, 'DELETE', `${at}/alertrules/old`)).status).toBe(200);
    await expect.poll(() => hook.told.at(-1)).toBe('resolved old');
    await expect.poll(() => database.rows(`SELECT 1 FROM alert_notification WHERE state = 'queued'`)).toEqual([]);
  });
});
