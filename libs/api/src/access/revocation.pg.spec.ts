import { Controller, Sse } from '@nestjs/common';
import { interval, map, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { aBinding, aRole, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';
import { AccessEach } from '../access.js';

/** A stream like those of changes: the mesh is in its address, and nothing about access in its code. */
@Controller('api/v1/meshes/:mesh/ticks')
class TickController {
  @Sse()
  @AccessEach('watch')
  ticks(): Observable<{ data: object }> {
    return interval(20).pipe(map((n) => ({ data: { n } })));
  }
}

let database: TestDatabase;
let here: ServedApi;
let there: ServedApi;
let admin: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  here = await serveApi(database.url, { controllers: [TickController] });
  there = await serveApi(database.url, { controllers: [TickController], replicaOf: here });
  admin = new Caller(here, await here.token('admin'));
});
afterAll(async () => {
  await there?.stop();
  await here?.stop();
  await database?.drop();
});

const guest = async (name: string) => {
  const token = await here.token('none', { name });
  return { here: new Caller(here, token), there: new Caller(there, token) };
};
const statusOf = async (caller: Caller): Promise<number> => (await caller.call('GET', 'services')).status;

/** Reads a stream from its first event to its end. @returns the text of all events */
async function follow(api: ServedApi, token: string, afterFirst: () => Promise<unknown>): Promise<string> {
  const url = `${api.url}/api/v1/meshes/default/ticks`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  let text = '';
  let acted: Promise<unknown> | undefined;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    // The headers are followed by an empty line of their own.
    if (text.includes('data: ')) acted ??= afterFirst();
  }
  await acted;
  return text;
}

describe('a role that is taken away', () => {
  it('is gone with the answer on the replica that took it, and on others as the feed brings it', async () => {
    const ben = await guest('ben');
    await given(admin, aBinding('ben', 'viewer', 'token ben'));
    expect(await statusOf(ben.here)).toBe(200);
    await expect.poll(() => statusOf(ben.there)).toBe(200);
    expect((await admin.call('DELETE', 'rolebindings/ben')).status).toBe(200);
    expect(await statusOf(ben.here)).toBe(404);
    await expect.poll(() => statusOf(ben.there)).toBe(404);
  });

  it('is not used to get it back on a replica that has not heard yet', async () => {
    const eve = await guest('eve');
    await given(admin, aBinding('eve', 'admin', 'token eve'));
    await expect.poll(() => statusOf(eve.there)).toBe(200);
    expect((await admin.call('DELETE', 'rolebindings/eve')).status).toBe(200);
    // Whether the feed was there already or not: what grants looks again first.
    const again = await eve.there.apply([aBinding('eve-2', 'admin', 'token eve')]);
    expect(again.status).toBeOneOf([403, 404]);
  });

  it('counts for what its Role permits from then on', async () => {
    const pat = await guest('pat');
    const role = (kind: string) => aRole('reader', { verbs: ['get', 'list'], kinds: [kind] });
    await given(admin, role('Service'), aBinding('pat', 'reader', 'token pat'));
    expect(await statusOf(pat.here)).toBe(200);
    await given(admin, role('HTTPRoute'));
    expect(await statusOf(pat.here)).toBe(403);
    expect((await pat.here.call('GET', 'httproutes')).status).toBe(200);
    expect((await admin.call('DELETE', 'roles/reader')).status).toBe(200);
    expect(await statusOf(pat.here)).toBe(404);
  });

  it('ends open streams of events, here and on other replicas, with the reason', async () => {
    const sue = await here.token('none', { name: 'sue' });
    for (const api of [here, there]) {
      await given(admin, aBinding('sue', 'viewer', 'token sue'));
      await expect.poll(() => statusOf(new Caller(api, sue))).toBe(200);
      const text = await follow(api, sue, () => admin.call('DELETE', 'rolebindings/sue'));
      expect(text).toMatch(/data: \{"n":0\}[\s\S]*event: forbidden\n[\s\S]*there is no mesh default/);
    }
  });

  it('REL-55: a revoked token ends its streams', async () => {
    const made = await admin.call('POST', '/api/v1/tokens', { body: { name: 'tom', role: 'viewer' } });
    const text = await follow(there, made.body.token, () => admin.call('DELETE', `/api/v1/tokens/${made.body.id}`));
    expect(text).toMatch(/event: forbidden\n[\s\S]*the token has ended or was revoked/);
  });

  it('REL-55: a replica that has lost the feed lets nobody in by rights that may be old', async () => {
    const lost = await serveApi(database.url, { replicaOf: here });
    const token = await here.token('viewer', { name: 'vic' });
    expect(await statusOf(new Caller(lost, token))).toBe(200);
    await lost.store.feed.stop();
    expect(await statusOf(new Caller(lost, token))).toBe(503);
    await lost.stop();
  });

  it('leaves streams of others alone', async () => {
    const max = await here.token('viewer', { name: 'max' });
    const stop = new AbortController();
    const response = await fetch(`${here.url}/api/v1/meshes/default/ticks`, {
      headers: { authorization: `Bearer ${max}` },
      signal: stop.signal,
    });
    await given(admin, aBinding('noise', 'viewer', 'somebody'));
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      if (text.includes('"n":5')) break;
    }
    stop.abort();
    expect(text).not.toContain('forbidden');
  });
});
