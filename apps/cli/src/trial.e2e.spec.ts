import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { FakeXdsClient } from '../../../libs/testing/src/xds-client/index.js';
import { EXIT } from './exit-codes.js';
import { loggedIn } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { registeredProxy } from './testing/registered-proxy.js';
import { Terminal } from './testing/terminal.js';

const WORDS = 'no such lb policy';
const user = new Terminal();
const proxies: FakeXdsClient[] = [];

beforeAll(async () => {
  const { ports } = await loggedIn(user);
  for (const [i, workload] of ['web', 'api', 'jobs'].entries()) {
    const proxy = await registeredProxy(user, { ports, workload, address: `127.0.43.${i + 5}` });
    const client = new FakeXdsClient(proxy).connect().subscribe(TYPE.cluster).subscribe(TYPE.listener);
    client.judgeWith(({ type, resources }) =>
      type === TYPE.cluster && resources.some(({ name }) => name.startsWith('shop/bad/')) ? WORDS : undefined,
    );
    proxies.push(client);
  }
  for (const client of proxies) await client.waitFor(({ responses }) => responses.length > 0);
});
afterAll(async () => {
  for (const client of proxies) client.disconnect();
  await user.close();
});

const apply = (name: string, ...flags: readonly string[]) =>
  user.pipe(service(name), 'apply', '--yes', '-f', '-', ...flags);
const idOf = (text: string): string => /\b(s-\d+)\b/.exec(text)?.[1] ?? '';

describe('heddle apply --canary', () => {
  it('--wait follows it wave by wave until every proxy has it', async () => {
    const { code, out, err } = await apply('good', '--canary', '40%', '--observe', '0', '--wait');
    expect([code, err]).toEqual([EXIT.ok, expect.stringMatching(/s-\d+ {2}wave 1 of 2 \(40 %\)/)]);
    expect(out).toMatch(/^s-\d+ by \S+ at 20\S+Z\n~ Service shop\/good\n\ns-\d+ {2}every proxy/);
    const list = await user.heddle('change', 'list');
    expect(list.out).toMatch(/s-\d+ +(done|watched) +c-\d+ /);
    expect((await user.heddle('history', '-n', 'shop')).out).toContain('good');
  });

  it('says who refused it, where, and that it was taken back', async () => {
    const { code, err } = await apply('bad', '--canary', '50', '--observe', '1s', '--wait');
    expect(code).toBe(EXIT.reverted);
    expect(err).toMatch(/heddle: (s-\d+) was taken back: refused on 127\.0\.43\.\d, 127\.0\.43\.\d: CDS shop\/bad/);
    expect(err).toContain(WORDS);
    expect((await user.heddle('get', 'svc', 'bad', '-n', 'shop')).code).toBe(EXIT.notFound);
    const shown = await user.heddle('change', 'show', idOf(err));
    expect(shown.out).toMatch(/s-\d+ {2}taken back; refused on 127/);
  });

  it('GEN-10 takes it back again when it is tried again, though nothing is sent to who refused it before', async () => {
    const { code, err } = await apply('bad', '--canary', '50', '--observe', '1s', '--wait');
    expect([code, err]).toEqual([EXIT.reverted, expect.stringContaining(WORDS)]);
  });

  it('can be given to everybody, taken back and watched by hand', async () => {
    const first = await apply('mine', '--canary', '50%', '--observe', '1h');
    const id = idOf(first.out);
    expect(first.out).toContain(`${id} is on trial: heddle change watch ${id}`);
    expect((await apply('mine')).err).toContain(`Service shop/mine is in ${id}`);
    const shown = await user.heddle('change', 'show', id, '-o', 'json');
    expect(JSON.parse(shown.out)).toMatchObject({ change: id, staged: { state: 'canary', waves: [50] } });
    const members = (JSON.parse(shown.out) as { staged: { members: string[] } }).staged.members;
    const explained = await user.heddle('explain', members[0] ?? '', '-n', 'shop');
    expect(explained.err).toBe(
      `${members[0]} is given ${id} before others, which is not in this: heddle change show ${id}\n`,
    );
    expect((await user.heddle('confirm', id)).err).toMatch(/is canary: only one that everybody has can be confirmed/);
    const given = await user.heddle('change', 'promote', id, '-o', 'json');
    expect(JSON.parse(given.out)).toMatchObject({ state: 'watched', change: expect.stringMatching(/^c-\d+$/) });
    const second = idOf((await apply('yours', '--canary', '50%', '--observe', '1h')).out);
    expect((await user.heddle('change', 'revert', second)).out).toMatch(/taken back; taken back by /);
    const watched = await user.heddle('change', 'watch', second);
    expect([watched.code, watched.err]).toEqual([
      EXIT.reverted,
      expect.stringContaining('was taken back: taken back by'),
    ]);
  });

  it.each([
    ['--canary 0', '--canary 0: shares above 0 and below 100 %, each larger than the one before'],
    ['--canary 50,5', '--canary 50,5: shares above 0 and below 100 %'],
    ['--confirm-within soon', '--confirm-within soon: a time such as 30s, 10m or 2h'],
    ['--revert-on luck', '--revert-on luck: nack,failures,disconnect, some of them, or none'],
    ['--canary 5 --dry-run', '--dry-run goes without --canary and --confirm-within'],
  ])('%s is refused with what to write instead', async (flags, text) => {
    const { code, err } = await apply('never', ...flags.split(' '));
    expect([code, err]).toEqual([EXIT.usage, expect.stringContaining(text)]);
  });
});

describe('heddle apply --revert-on', () => {
  it('gives it to everybody, and takes it back when the Envoys of two hosts refuse it', async () => {
    const { out } = await apply('bad', '--revert-on', 'nack');
    const change = /change (c-\d+)/.exec(out)?.[1] ?? '';
    const gone = async () => (await user.heddle('get', 'svc', 'bad', '-n', 'shop')).code;
    await expect.poll(gone).toBe(EXIT.notFound);
    const { staged } = JSON.parse((await user.heddle('change', 'show', change, '-o', 'json')).out) as {
      staged: object;
    };
    expect(staged).toMatchObject({ state: 'reverted', reason: expect.stringMatching(/^refused on 127.*, 127.*: CDS/) });
  });
});

describe('heddle apply --confirm-within', () => {
  it('stays when it is confirmed', async () => {
    const { out, code } = await apply('kept', '--confirm-within', '1h', '--wait');
    const change = /change (c-\d+); taken back in 1h unless you say: heddle confirm c-\d+/.exec(out)?.[1] ?? '';
    expect([code, change]).toEqual([EXIT.ok, expect.stringMatching(/^c-/)]);
    expect((await user.heddle('confirm', change)).out).toMatch(/every proxy has it for good; confirmed by /);
  });

  it('is taken back when it is not', async () => {
    const { out } = await apply('unkept', '--confirm-within', '1s', '--wait');
    const change = /change (c-\d+)/.exec(out)?.[1] ?? '';
    const staged = await user.heddle('change', 'show', change, '-o', 'json');
    const { id } = (JSON.parse(staged.out) as { staged: { id: string } }).staged;
    await expect.poll(async () => (await user.heddle('get', 'svc', 'unkept', '-n', 'shop')).code).toBe(EXIT.notFound);
    expect((await user.heddle('history', '-n', 'shop')).out).toContain('nobody confirmed it within 1 s');
    const watched = await user.heddle('change', 'watch', id);
    expect([watched.code, watched.err]).toEqual([
      EXIT.reverted,
      expect.stringContaining('nobody confirmed it within 1 s'),
    ]);
  });
});
