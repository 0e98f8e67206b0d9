import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdminLogin, ensureAdminToken } from './admin-token.js';
import { type ApiTokenRequest, ApiTokens } from './api-tokens.js';
import { DAY_MS, ManualClock, MemoryStore } from './fixture.js';

let store: MemoryStore;
let clock: ManualClock;
let tokens: ApiTokens;
beforeEach(() => {
  store = new MemoryStore();
  clock = new ManualClock();
  tokens = new ApiTokens({ tokens: store.tokens, clock });
});

async function created(request: Partial<ApiTokenRequest> = {}) {
  const result = await tokens.create({ name: 'alice', role: 'operator', ...request });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

describe('API tokens', () => {
  it('SEC-44 are 256 random bits that only the caller ever sees', async () => {
    const { token, id } = await created();
    expect(token).toMatch(new RegExp(`^hdl_${id}_[0-9a-f]{64}$`));
    const dump = JSON.stringify([[...store.apiTokens.values()], await tokens.list()]);
    expect(dump).not.toContain(token.slice(-64));
    const [row] = store.apiTokens.values();
    // What a stolen table holds does not log anybody in.
    expect(await tokens.verify(`hdl_${id}_${row?.secretHash}`)).toEqual({ ok: false, error: 'unknown' });
    expect(await tokens.list()).toHaveLength(1);
    expect(Object.keys((await tokens.list())[0] ?? {})).not.toContain('secretHash');
  });

  it('SEC-44 end after 30 days unless said otherwise, and after a year at the latest', async () => {
    const { token } = await created();
    clock.jump(30 * DAY_MS - 1);
    expect(await tokens.verify(token)).toMatchObject({ ok: true, value: { name: 'alice', role: 'operator' } });
    clock.jump(1);
    expect(await tokens.verify(token)).toEqual({ ok: false, error: 'expired' });
    expect((await created({ ttlDays: 365 })).expiresAt - clock.now()).toBe(365 * DAY_MS);
  });

  it.each<[string, Partial<ApiTokenRequest>, string]>([
    ['no name', { name: '' }, '/name'],
    ['a name with a line feed', { name: 'a\nb' }, '/name'],
    ['an unknown role', { role: 'root' }, '/role'],
    ['a role of the prototype', { role: 'constructor' }, '/role'],
    ['a group that no binding could name', { groups: ['a', 'b c'] }, '/groups/1'],
    ['a group twice', { groups: ['a', 'a'] }, '/groups'],
    ['a mesh that cannot be', { meshes: ['../x'] }, '/meshes/0'],
    ['no life', { ttlDays: 0 }, '/ttlDays'],
    ['part of a day', { ttlDays: 1.5 }, '/ttlDays'],
    ['more than a year', { ttlDays: 366 }, '/ttlDays'],
    ['no end', { ttlDays: Number.POSITIVE_INFINITY }, '/ttlDays'],
  ])('are not made with %s', async (_, extra, path) => {
    const result = await tokens.create({ name: 'alice', role: 'viewer', ...extra });
    expect(result.ok ? [] : result.error.map((violation) => violation.path)).toEqual([path]);
    expect(store.apiTokens.size).toBe(0);
  });

  it('REL-55 are dead the moment they are revoked, and nobody gets in while Postgres is away', async () => {
    const { token, id } = await created();
    store.away = true;
    await expect(tokens.verify(token)).rejects.toThrow(/away/);
    store.away = false;
    expect([await tokens.revoke(id), await tokens.revoke('0000000000000000')]).toEqual([true, false]);
    expect(await tokens.verify(token)).toEqual({ ok: false, error: 'revoked' });
  });

  it('are refused with another secret, another id or another form', async () => {
    const [a, b] = [await created(), await created()];
    const mixed = `hdl_${a.id}_${b.token.slice(-64)}`;
    const forms = [
      '',
      'hdl_',
      a.token.toUpperCase(),
      `${a.token}0`,
      ` ${a.token}`,
      `Bearer ${a.token}`,
      a.token.replace(a.id, '__proto__'),
      a.token.replace(a.id, 'ffffffffffffffff'),
    ];
    const taken: string[] = [];
    for (const bad of [mixed, ...forms]) if ((await tokens.verify(bad)).ok) taken.push(bad);
    expect(taken).toEqual([]);
  });

  it('note their last use at most once a minute', async () => {
    const { token } = await created();
    for (let second = 0; second < 120; second++) {
      await tokens.verify(token);
      clock.jump(1000);
    }
    expect(store.touches).toBe(2);
    expect((await tokens.list())[0]?.lastUsedAt).toBe(clock.now() - 60_000);
  });

  it('SEC-30 with a role that this release does not know get nobody in', async () => {
    const { token, id } = await created();
    const row = store.apiTokens.get(id);
    if (row) store.apiTokens.set(id, { ...row, role: 'superuser' });
    expect(await tokens.verify(token)).toEqual({ ok: false, error: 'unknown' });
  });
});

describe('the one-time admin token', () => {
  let directory = '';
  let login: AdminLogin;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heddle-admin-'));
    login = new AdminLogin({ dataDirectory: directory, apiTokens: tokens, clock });
  });
  afterEach(() => rm(directory, { recursive: true }));
  const waiting = async () => (await readFile(join(directory, 'admin-token'), 'utf8')).trim();

  it('SEC-46 waits in a file of mode 0600 and is not made when an admin exists', async () => {
    const file = await login.ensure();
    expect(file?.expiresAt).toBe(clock.now() + 3_600_000);
    expect((await stat(file?.path ?? '')).mode & 0o777).toBe(0o600);
    expect(await ensureAdminToken(directory, clock)).toEqual(file);
    expect((await login.exchange(await waiting(), 'laptop')).ok).toBe(true);
    expect(await login.ensure()).toBeUndefined();
  });

  it('SEC-46 becomes a named admin token of 30 days at its first use and dies', async () => {
    await login.ensure();
    const oneTime = await waiting();
    const result = await login.exchange(oneTime, 'laptop');
    if (!result.ok) throw new Error(result.error.code);
    expect(result.value).toMatchObject({ name: 'laptop', role: 'admin', expiresAt: clock.now() + 30 * DAY_MS });
    expect((await tokens.verify(result.value.token)).ok).toBe(true);
    expect(await login.exchange(oneTime, 'again')).toEqual({ ok: false, error: { code: 'not-good' } });
    expect(await readdir(directory)).toEqual([]);
  });

  it('SEC-46 lets one of many uses at once succeed', async () => {
    await login.ensure();
    const oneTime = await waiting();
    const results = await Promise.all(Array.from({ length: 20 }, () => login.exchange(oneTime, 'laptop')));
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(store.apiTokens.size).toBe(1);
  });

  it('SEC-46 is worth nothing after an hour and is then replaced', async () => {
    await login.ensure();
    const old = await waiting();
    clock.jump(3_600_000);
    expect((await login.exchange(old, 'laptop')).ok).toBe(false);
    await login.ensure();
    expect(await waiting()).not.toBe(old);
    expect((await login.exchange(await waiting(), 'laptop')).ok).toBe(true);
  });

  it('SEC-46 cannot be prolonged, guessed or used where there is none', async () => {
    expect((await login.exchange('', 'x')).ok).toBe(false);
    await login.ensure();
    const oneTime = await waiting();
    const longer = oneTime.replace(/once_\d+/, 'once_99999999999');
    for (const bad of ['', longer, oneTime.slice(0, -1), `${oneTime}0`, oneTime.toUpperCase()]) {
      expect((await login.exchange(bad, 'x')).ok).toBe(false);
    }
    expect((await login.exchange(oneTime, 'laptop')).ok).toBe(true);
  });

  it('lives on when the new token could not be made', async () => {
    await login.ensure();
    const oneTime = await waiting();
    expect(await login.exchange(oneTime, 'no\nname')).toMatchObject({ ok: false, error: { code: 'invalid' } });
    store.away = true;
    await expect(login.exchange(oneTime, 'laptop')).rejects.toThrow(/away/);
    store.away = false;
    expect((await login.exchange(oneTime, 'laptop')).ok).toBe(true);
  });
});
