import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_ACTIONS } from '#libs/model/names';
import { EXIT } from './exit-codes.js';
import { freePorts, startUp } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { Terminal } from './testing/terminal.js';

const user = new Terminal();
const checkpoints = join(user.dir, 'checkpoints.jsonl');

beforeAll(async () => {
  const to = ['--audit-checkpoint-seconds', '1', '--audit-checkpoint-to', `file:${checkpoints}`];
  const up = startUp(user, await freePorts(), ...to);
  await up.said(/you are logged in as admin/);
  for (const name of ['orders', 'web']) {
    user.write(`${name}.yaml`, service(name));
    const because = ['--message', `the first ${name}`];
    expect((await user.heddle('apply', '--yes', '-f', `${name}.yaml`, ...because)).code).toBe(EXIT.ok);
  }
  expect((await user.heddle('delete', 'svc', 'web', '-n', 'shop')).code).toBe(EXIT.ok);
});

afterAll(() => user.close());

/** Kept checkpoints, once there is one of the newest entry. */
const kept = async (): Promise<string> => {
  await expect.poll(() => existsSync(checkpoints) && readFileSync(checkpoints, 'utf8')).toMatch(/"seq":5[,}]/);
  return checkpoints;
};

describe('heddle history', () => {
  it('shows the changes of one resource, with why and how far they came', async () => {
    const { out } = await user.heddle('history', 'svc/orders', '-n', 'shop');
    expect(out).toMatch(/c-2 .* cli-\S+ +the first orders .*created Service shop\/orders .*Delivered/);
    expect(out).not.toContain('web');
    const older = await user.heddle('history', '--before', 'c-2', '-o', 'json');
    expect(JSON.parse(older.out)).toMatchObject({ items: [{ change: 'c-1', actor: 'system' }] });
    const none = await user.heddle('history', '--until', '1h', '-o', 'json');
    expect(JSON.parse(none.out)).toEqual({ items: [] });
  });

  it.each([
    [['history', 'orders'], /orders: write KIND\/name/],
    [['history', '--since', 'yesterday'], /--since yesterday: a time such as/],
    [['history', '--before', 'first'], /--before first: write a change/],
    [['audit', 'search', '--action', 'dance'], /--action dance: it must be write or rollback/],
    [['audit', 'verify', '--incremental'], /give it with --checkpoint FILE/],
    [['audit', 'verify', '--public-key', 'x'], /--public-key goes with --export/],
    [['audit', 'verify', '--checkpoint', 'none.jsonl'], /none.jsonl cannot be read: no such file/],
  ])('refuses %j and says what to write', async (args, message) => {
    expect(await user.heddle(...args)).toMatchObject({ code: EXIT.usage, err: expect.stringMatching(message) });
  });
});

describe('heddle audit', () => {
  it('SEC-62 verifies the chain, also against checkpoints that were kept', async () => {
    const alone = await user.heddle('audit', 'verify');
    expect(alone).toMatchObject({
      code: EXIT.ok,
      out: expect.stringMatching(/entries 1 to 5 are as they were written .*without --checkpoint/s),
    });
    const file = await kept();
    const { out, code } = await user.heddle('audit', 'verify', '--checkpoint', file, '-o', 'json');
    expect([code, JSON.parse(out)]).toEqual([EXIT.ok, expect.objectContaining({ ok: true, entries: 5 })]);
  });

  it('SEC-62 says that it is broken, where, and ends with another code, when a checkpoint does not fit', async () => {
    const lines = readFileSync(await kept(), 'utf8');
    user.write('altered.jsonl', lines.replace(/"seq":5/, '"seq":3'));
    const { out, code, err } = await user.heddle('audit', 'verify', '--checkpoint', 'altered.jsonl');
    expect([code, out, err]).toEqual([
      EXIT.refused,
      expect.stringMatching(/^entry 3: the checkpoint of .* altered/),
      'heddle: the audit chain is broken\n',
    ]);
  });

  it('SEC-62 exports a chain that is verified away from the control plane, and finds what was edited in it', async () => {
    await kept();
    expect(await user.heddle('audit', 'export', '-f', 'export.jsonl')).toMatchObject({ code: EXIT.ok });
    const again = await user.heddle('audit', 'export', '-f', 'export.jsonl');
    expect(again).toMatchObject({ code: EXIT.refused, err: expect.stringContaining('something else is there') });
    const { out: pem } = await user.heddle('audit', 'checkpoints', '--public-key');
    user.write('audit.pem', pem);
    const stranger = new Terminal();
    for (const name of ['export.jsonl', 'audit.pem'])
      writeFileSync(join(stranger.dir, name), readFileSync(join(user.dir, name)));
    const verify = ['audit', 'verify', '--export', 'export.jsonl', '--public-key', 'audit.pem'];
    expect(await stranger.heddle(...verify, '--checkpoint', checkpoints)).toMatchObject({
      code: EXIT.ok,
      out: expect.stringMatching(/entries 1 to 5 .*signed by the key [0-9a-f]{64}/s),
    });
    const text = readFileSync(join(stranger.dir, 'export.jsonl'), 'utf8');
    stranger.write('export.jsonl', text.replace('the first orders', 'nothing at all'));
    expect(await stranger.heddle(...verify, '-o', 'json')).toMatchObject({
      code: EXIT.refused,
      out: expect.stringMatching(/"ok": false,\s+"seq": 3/),
    });
    await stranger.close();
  });

  it('searches by actor, resource and decision', async () => {
    const [, actor = ''] = / (cli-\S+) /.exec((await user.heddle('history')).out) ?? [];
    const { out } = await user.heddle('audit', 'search', '--resource', 'svc/web', '-n', 'shop', '--actor', actor);
    expect(out).toMatch(/5 .* cli-\S+ \(admin, (127\.0\.0\.1|::1)\) +write applied +deleted Service shop\/web/);
    expect(out.trim().split('\n')).toHaveLength(3);
    const none = await user.heddle('audit', 'search', '--decision', 'refused', '-o', 'json');
    expect(JSON.parse(none.out)).toEqual({ items: [] });
  });

  it('knows every action that there is', async () => {
    const { out: help } = await user.heddle('audit', 'search', '--help');
    const known = help.replaceAll(/\s+/g, ' ');
    expect(known).toContain(`only one of: ${AUDIT_ACTIONS.join(', ')}`);
    expect(await user.heddle('audit', 'search', '--action', 'staged')).toMatchObject({ code: EXIT.ok });
  });

  it('SEC-61 shows who was let in, which is of no single mesh', async () => {
    const { out } = await user.heddle('audit', 'search', '--of-server', '--action', 'token-create');
    expect(out).toMatch(/2 .*one-time token \(admin, \S+\) +token-create applied +ApiToken [0-9a-f]{16} \(cli-\S+\)/);
  });

  it('shows what was signed and where it went', async () => {
    await kept();
    const { out } = await user.heddle('audit', 'checkpoints');
    expect(out).toMatch(/KIND +AT +ENTRY.*key .*checkpoint .*DESTINATION.*file:.*checkpoints\.jsonl@.* all/s);
    expect((await user.heddle('audit', 'checkpoints', '--lines')).out).toBe(readFileSync(checkpoints, 'utf8'));
  });

  it('SEC-64 shows failed logins', async () => {
    expect((await user.heddle('status', '--token', 'hdl_wrong_token')).code).toBe(EXIT.unreachable);
    await expect.poll(async () => (await user.heddle('audit', 'failures')).out).toMatch(/(127\.0\.0\.1|::1) +\d+/);
  });
});
