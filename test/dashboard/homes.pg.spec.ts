/** What the homes say, over HTTP: no more than their reader may know. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StagedView } from '#libs/changes';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, binding, fillShop, split } from './board.js';

const MESH = '/api/v1/meshes/default';
const BOARD = '/api/dashboard/meshes/default';

let database: TestDatabase;
const board = new Board();
const tokens: Record<string, string> = {};

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url);
  await fillShop(board);
  const selector = { matchLabels: { team: 'shop' } };
  await board.apply(
    'Who may what',
    binding('shop-editors', 'editor', 'shop-editors', { namespaces: ['shop'] }),
    binding('shop-operators', 'operator', 'shop-operators', { namespaces: ['shop'] }),
    binding('team-editors', 'editor', 'team-editors', { namespaces: ['shop'], selector }),
    binding('warehouse-editors', 'editor', 'warehouse-editors', { namespaces: ['warehouse'] }),
  );
  for (const group of ['shop-editors', 'shop-operators', 'team-editors', 'warehouse-editors'])
    tokens[group] = await board.token(group, 'none', { groups: [group] });
});
afterAll(async () => {
  await board.stop();
  await database?.drop();
});

const read = async (path: string, who?: string) => {
  const { status, body } = await board.call('GET', path, undefined, who === undefined ? undefined : tokens[who]);
  expect([path, status]).toEqual([path, 200]);
  return body;
};

describe('SEC-34 a trial', () => {
  const route = split(40);
  let id = '';

  beforeAll(async () => {
    const { status, body } = await board.call('POST', `${MESH}/apply`, {
      manifests: [{ ...route, metadata: { ...route.metadata, labels: { team: 'shop' } } }],
      message: 'More to green',
      trial: { canary: [99], observeSeconds: 3_600 },
    });
    expect(status).toBe(200);
    id = body.staged;
  });

  const ofApi = async (who?: string): Promise<readonly StagedView[]> => (await read(`${MESH}/staged`, who)).items;
  const ofHome = async (who?: string) => (await read(`${BOARD}/release`, who)) as Record<'open' | 'over', StagedView[]>;

  it('is on the homes what the API tells the same reader of it: proxies of his namespace, and how many others', async () => {
    const [all] = (await ofHome()).open;
    expect(all).toMatchObject({ id, items: [{ kind: 'HTTPRoute', name: 'orders' }], wave: 1 });
    expect(all?.members).toContain('warehouse/stock-1');
    for (const who of ['shop-editors', 'team-editors', undefined])
      expect((await ofHome(who)).open).toEqual(await ofApi(who));
    const [shown] = (await ofHome('shop-editors')).open;
    expect(shown).toMatchObject({ id, message: 'More to green', reason: '', hidden: 1 });
    expect(shown?.members).toEqual(all?.members.filter((proxy) => proxy.startsWith('shop/')));
    const { trials } = await read(`${BOARD}/operator`, 'shop-operators');
    expect(trials).toEqual([{ id, state: 'canary', message: 'More to green', hidden: 1 }]);
  });

  it('is seen by who may by its labels, as they would become', async () => {
    const [shown] = (await ofHome('team-editors')).open;
    expect(shown).toMatchObject({ id, message: 'More to green', items: [{ kind: 'HTTPRoute', name: 'orders' }] });
    expect(shown?.members).toEqual([]);
  });

  it('shows who may read but a proxy of it that one alone, without what it is', async () => {
    const [shown] = (await ofHome('warehouse-editors')).open;
    expect(shown).toMatchObject({ id, message: '', items: [], members: ['warehouse/stock-1'], reason: '' });
  });

  it('keeps why it ended from who may not see all of it', async () => {
    expect((await board.call('POST', `${MESH}/staged/${id}/revert`)).status).toBe(200);
    await expect.poll(async () => (await ofHome()).over.length).toBe(1);
    expect((await ofHome()).over[0]).toMatchObject({ id, reason: 'taken back by root' });
    const { open, over } = await ofHome('shop-editors');
    expect([open, over]).toEqual([[], await ofApi('shop-editors')]);
    expect((await read(`${BOARD}/operator`, 'shop-operators')).trials).toEqual([]);
  });
});
