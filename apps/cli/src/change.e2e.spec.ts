import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { FakeXdsClient, SILENCE } from '../../../libs/testing/src/xds-client/index.js';
import { EXIT } from './exit-codes.js';
import { loggedIn, type Ports, startUp } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { registeredProxy } from './testing/registered-proxy.js';
import { type Running, Terminal } from './testing/terminal.js';

const WORDS = "cluster 'shop/bad/http': no such lb policy";

const user = new Terminal();
let up: Running;
let ports: Ports;
let web: FakeXdsClient;

beforeAll(async () => {
  ({ up, ports } = await loggedIn(user));
  const proxy = await registeredProxy(user, { ports, workload: 'web', address: '127.0.42.5' });
  web = new FakeXdsClient(proxy).connect().subscribe(TYPE.cluster).subscribe(TYPE.listener);
  await web.waitFor((client) => client.responses.length > 0);
});

afterAll(async () => {
  web?.disconnect();
  await user.close();
});

const apply = (name: string, ...more: readonly string[]) =>
  user.pipe(service(name), 'apply', '--yes', '-f', '-', '--wait', ...more);
const changeOf = (out: string): string => /change (c-\d+)/.exec(out)?.[1] ?? '';
const refuseClusters = ({ type, resources }: { type: string; resources: readonly { name: string }[] }) =>
  type === TYPE.cluster && resources.some(({ name }) => name.startsWith('shop/bad/')) ? WORDS : undefined;

describe('heddle apply --wait', () => {
  it('ends when every proxy has the change', async () => {
    const { code, out } = await apply('web');
    expect([code, out]).toEqual([EXIT.ok, expect.stringMatching(/change c-\d+\n1 of 1 proxies have it \(\S+ ms\)\n$/)]);
  });

  it('says who refuses it with which words, and how to take it back; so do its page and its events', async () => {
    web.judgeWith(refuseClusters);
    const { code, out, err } = await apply('bad');
    const change = changeOf(out);
    expect([code, err]).toEqual([
      EXIT.proxyRefused,
      `heddle: 1 of 1 proxies refused the change\n  default/shop/web/web-1: CDS shop/bad/8080: ${WORDS}\n  take it back: heddle rollback ${change}\n`,
    ]);
    const page = await user.heddle('change', 'show', change.slice(2));
    expect(page.out).toMatch(/^c-\d+ by \S+ at 20\S+Z\n\n\+ create Service shop\/bad\n/);
    expect(page.out).toContain(`${change}  [####################] 0/1 proxies  1 refused`);
    expect(page.out).toContain(
      `refused\n  default/shop/web/web-1: CDS shop/bad/8080: ${WORDS}\n\nheddle explain web-1 `,
    );
    const watched = await user.heddle('change', 'watch', change, '-o', 'json');
    expect(watched.code).toBe(EXIT.proxyRefused);
    expect(JSON.parse(watched.out.trim().split('\n').at(-1) ?? '')).toMatchObject({
      change,
      delivery: { state: 'Refused', refusing: 1, refused: [{ proxy: 'default/shop/web/web-1', message: WORDS }] },
    });
    expect((await user.heddle('rollback', change, '--yes', '--wait')).code).toBe(EXIT.ok);
    expect((await user.heddle('change', 'show', change, '-o', 'json')).out).toContain('"state": "Refused"');
  });

  it('GEN-10 says so again when it is tried again, though nothing is sent to who refused it before', async () => {
    const { code, err, out } = await apply('bad');
    expect([code, err]).toEqual([EXIT.proxyRefused, expect.stringContaining(`CDS shop/bad/8080: ${WORDS}\n`)]);
    web.judgeWith(() => undefined);
    expect((await user.heddle('rollback', changeOf(out), '--yes', '--wait')).code).toBe(EXIT.ok);
  });

  it('asks again and again where the token may read changes, but not watch them', async () => {
    const kinds = { kind: 'Role', metadata: { name: 'asks' }, spec: { rules: [{ verbs: ['get'], kinds: ['*'] }] } };
    const subjects = [{ kind: 'Token', name: 'asks' }];
    const binding = { kind: 'RoleBinding', metadata: { name: 'asks' }, spec: { role: 'asks', subjects } };
    const documents = [kinds, binding].map((one) => JSON.stringify({ apiVersion: 'heddle.dev/v1alpha1', ...one }));
    const applied = await user.pipe(documents.join('\n---\n'), 'apply', '--yes', '-f', '-', '--wait');
    expect([applied.code, applied.err]).toEqual([EXIT.ok, '']);
    const made = await user.heddle('token', 'create', 'asks', '--role', 'none', '-o', 'json');
    const { token } = JSON.parse(made.out) as { token: string };
    const watched = await user.heddle('change', 'watch', changeOf(applied.out), '--token', token);
    expect([watched.code, watched.err]).toEqual([EXIT.ok, '']);
    expect((await user.heddle('change', 'watch', '--token', token)).err).toContain('this needs watch ');
  });

  it('draws a line at a terminal, and answers programs in JSON', async () => {
    user.write('drawn.yaml', service('drawn'));
    const drawn = await user.atTerminal(80, '', 'apply', '--yes', '-f', 'drawn.yaml', '--wait');
    expect(drawn.out).toMatch(/\rc-\d+ {2}\[#{20}\] 1\/1 proxies {2}0\.\d+ s/);
    const { out } = await apply('program', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ delivery: { state: 'Delivered', acked: 1, total: 1 } });
  });

  it('on Ctrl-C says that the change goes on, and how to watch it', async () => {
    web.judgeWith(() => SILENCE);
    const waiting = user.start(['apply', '--yes', '-f', '-', '--wait'], service('slow'));
    await waiting.said(/waiting: 0 of 1 proxies have it/);
    const { code, err } = await user.interrupt(waiting);
    expect([code, err]).toEqual([
      EXIT.interrupted,
      expect.stringMatching(/(c-\d+) stays applied and goes on; heddle change watch \1 shows how, heddle rollback \1 /),
    ]);
    const change = /(c-\d+) stays/.exec(err)?.[1] ?? '';
    const late = await user.heddle('change', 'watch', change, '--timeout', '1');
    expect([late.code, late.err]).toEqual([
      EXIT.undelivered,
      expect.stringMatching(/only 0 of 1 proxies .*\n {2}default\/shop\/web\/web-1 has not answered for \d+ s\n/),
    ]);
    expect((await user.heddle('change', 'show', change)).out).toMatch(/\[-{20}\] 0\/1 proxies .*\non its way\n/);
  });

  it('goes on when the control plane is started anew meanwhile', async () => {
    const waiting = user.start(['apply', '--yes', '-f', '-', '--wait'], service('through'));
    await waiting.said(/waiting: 0 of 1 proxies have it/);
    await user.interrupt(up);
    await waiting.said(/does not answer.*; trying again/);
    up = startUp(user, ports);
    await up.said(/ready at/);
    web
      .judgeWith(() => undefined)
      .connect()
      .reconnect();
    const { code, out } = await waiting.ended;
    expect([code, out]).toEqual([EXIT.ok, expect.stringMatching(/change c-\d+\n1 of 1 proxies have it/)]);
  });
});

describe('heddle change', () => {
  it('shows every change as it is made', async () => {
    const watching = user.start(['change', 'watch', '-o', 'json']);
    const told = new Promise<string>((resolve) => {
      watching.child.stdout?.on('data', (part: Buffer) => part.includes('"seen"') && resolve(String(part)));
    });
    // Whoever begins to watch sees what is made from then on; when that is, nobody can see from outside.
    const again = setInterval(() => void apply('seen', '--message', `${performance.now()}`), 2_000);
    expect(await told.finally(() => clearInterval(again))).toContain('"op":"created"');
    expect((await user.interrupt(watching)).code).toBe(EXIT.interrupted);
  });

  it.each([
    ['x', EXIT.usage, 'x is no change: write c-42'],
    ['c-99999', EXIT.notFound, 'there is no such change: heddle history lists them'],
  ])('show %s says what is wrong', async (change, code, words) => {
    for (const sub of ['show', 'watch']) {
      const ended = await user.heddle('change', sub, change);
      expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(words)]);
    }
  });
});
