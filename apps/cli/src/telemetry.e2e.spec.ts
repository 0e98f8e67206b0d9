import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loggedIn } from './testing/control-plane.js';
import { Terminal } from './testing/terminal.js';

const user = new Terminal();

beforeAll(async () => {
  await loggedIn(user);
});
afterAll(() => user.close());

describe('where nothing was asked yet', () => {
  it.each([['top'], ['top', 'shop/orders'], ['map']])('heddle %s %s says why', async (...args) => {
    const { code, out } = await user.heddle(...args.filter((arg) => typeof arg === 'string'));
    expect(code).toBe(0);
    expect(out).toMatch(/no request was seen from 20\S+ to 20\S+: no proxy is registered yet \(heddle proxy run/);
  });

  it.each([
    ['shop/web', 'shop/web → shop/orders: no request was seen'],
    ['-', '(no identity) → shop/orders: no request was seen'],
  ])('heddle top shop/orders --caller %s says why', async (caller, words) => {
    const { code, out } = await user.heddle('top', 'shop/orders', '--caller', caller);
    expect([code, out]).toEqual([0, expect.stringContaining(words)]);
  });

  it('heddle failures says so', async () => {
    const { code, out } = await user.heddle('failures', '--since', '2h', '--service', 'shop/orders');
    expect(code).toBe(0);
    expect(out).toMatch(/^no failure is known from 20/);
  });

  it('programs get JSON, and Graphviz a graph', async () => {
    expect(JSON.parse((await user.heddle('top', '-o', 'json')).out)).toMatchObject({ items: [], hidden: 0 });
    const edge = JSON.parse((await user.heddle('top', 'shop/orders', '--caller', 'shop/web', '-o', 'json')).out);
    expect(edge).toMatchObject({ caller: 'shop/web', callee: 'shop/orders', total: { count: 0 }, routes: [], more: 0 });
    expect(JSON.parse((await user.heddle('map', '-o', 'json')).out)).toMatchObject({ nodes: [], edges: [] });
    expect(JSON.parse((await user.heddle('failures', '-o', 'json')).out)).toMatchObject({ items: [] });
    expect((await user.heddle('map', '-o', 'dot')).out).toBe('digraph heddle {\n  rankdir=LR;\n}\n');
  });

  it.each([
    [['top', '--since', 'soon'], /--since soon: a time such as/],
    [['top', '--limit', '501'], /--limit 501: a whole number from 1 to 500/],
    [['top', '--caller', 'shop/web'], /--caller shop\/web: name the service that it calls, too/],
    [['top', '--watch', '-o', 'json'], /--watch is for people/],
    [['failures', '--outcome', 'bad'], /--outcome bad: it must be one of ok, error/],
    [['failures', '--service', 'a/b/c'], /a\/b\/c: write a name, or NAMESPACE\/name/],
    [['map', '-o', 'svg'], /--output svg: it must be table, json or yaml/],
  ])('%j is refused', async (args, words) => {
    const { code, err } = await user.heddle(...args);
    expect(code).toBe(2);
    expect(err).toMatch(words);
  });

  it('every command explains itself', async () => {
    for (const name of ['top', 'map', 'failures']) {
      const { code, out } = await user.heddle(name, '--help');
      expect([code, out.includes('--since <time>')], name).toEqual([0, true]);
    }
  });
});
