import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ensureAdminToken } from '#libs/identity';
import { systemClock } from '#libs/kernel';
import { EXIT } from './exit-codes.js';
import { freePorts, loggedIn, startUp } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { Terminal } from './testing/terminal.js';

const user = new Terminal();
let url: string;

beforeAll(async () => {
  const { ports } = await loggedIn(user);
  url = `http://127.0.0.1:${ports.rest}`;
});

afterAll(() => user.close());

describe('heddle token', () => {
  it('makes one that is shown once, may do what its role may, and ends when revoked', async () => {
    const made = await user.heddle('token', 'create', 'ci', '--role', 'viewer', '-o', 'json');
    const { token, id } = JSON.parse(made.out) as { token: string; id: string };
    expect((await user.heddle('get', 'svc', '--token', token)).code).toBe(EXIT.ok);
    expect(await user.pipe(service('no'), 'apply', '--yes', '-f', '-', '--token', token)).toMatchObject({
      code: EXIT.unreachable,
      err: 'heddle: this needs create or update or delete of something in mesh default: editor, operator, security, admin include it; an admin of mesh default can give it by a RoleBinding\n',
    });
    const list = await user.heddle('token', 'list');
    expect(list.out).toMatch(/ci +viewer/);
    expect(list.out).not.toContain(token);
    expect(await user.heddle('token', 'revoke', id)).toMatchObject({ code: EXIT.ok });
    expect(await user.heddle('get', 'svc', '--token', token)).toMatchObject({
      code: EXIT.unreachable,
      err: 'heddle: the token is unknown, expired or revoked\n',
    });
  });

  it('may be for groups, and says who it is and what it may do', async () => {
    const binding = `apiVersion: heddle.dev/v1alpha1
kind: RoleBinding
metadata: { name: shop-team }
spec: { role: editor, namespaces: [shop], subjects: [{ kind: Group, name: shop }] }`;
    expect((await user.pipe(binding, 'apply', '--yes', '-f', '-')).code).toBe(EXIT.ok);
    const made = await user.heddle('token', 'create', 'ann', '--group', 'shop', '-o', 'json');
    const { token } = JSON.parse(made.out) as { token: string };
    const ann = (...args: string[]) => user.heddle(...args, '--token', token);
    expect((await ann('whoami')).out).toMatch(
      /role +none\n[\s\S]*groups +shop\n[\s\S]*default +shop-team +editor +shop/,
    );
    expect(JSON.parse((await ann('whoami', '-o', 'json')).out)).toMatchObject({ name: 'ann', groups: ['shop'] });
    expect(await ann('can-i', 'update', 'svc/web', '-n', 'shop')).toMatchObject({
      code: EXIT.ok,
      out: 'yes, by RoleBinding shop-team (role editor)\n',
    });
    expect(await ann('can-i', 'update', 'svc/web', '-n', 'bank')).toMatchObject({
      code: EXIT.refused,
      err: expect.stringContaining(
        'this needs update Service bank/web in mesh default: editor, operator, admin include it',
      ),
    });
    expect(JSON.parse((await ann('can-i', 'delete', 'meshes', '-o', 'json')).out)).toMatchObject({ allowed: false });
    expect((await user.heddle('role', 'list')).out).toMatch(/editor +built-in +viewer, and writes .* shop-team\n/);
    expect((await ann('get', 'svc', '-n', 'bank')).err).toContain('this needs list Service in namespace bank');
  });

  it('has a way back in for who may write into the data directory', async () => {
    expect(await user.heddle('token', 'create', '--admin', '--local', '--data-dir', 'nowhere')).toMatchObject({
      code: EXIT.usage,
      err: expect.stringContaining('nowhere is not the data directory of a control plane'),
    });
    const { out } = await user.heddle('token', 'create', '--admin', '--local', '--data-dir', 'data');
    const [, file = ''] = /--token-file (\S+)/.exec(out) ?? [];
    const stranger = new Terminal();
    expect(await stranger.heddle('login', '--server', url, '--token-file', file)).toMatchObject({ code: EXIT.ok });
    expect((await stranger.heddle('token', 'list')).code).toBe(EXIT.ok);
    await stranger.close();
  });

  it('of a proxy that never was cannot be revoked, and none leaves this machine in plain text', async () => {
    expect(await user.heddle('token', 'revoke', '--proxy', 'nope')).toMatchObject({
      code: EXIT.notFound,
      err: expect.stringContaining('there is no such proxy token'),
    });
    expect(await user.heddle('get', 'svc', '--server', 'http://192.0.2.1:8190', '--token', 'x')).toMatchObject({
      code: EXIT.usage,
      err: expect.stringMatching(/http:\/\/192\.0\.2\.1:8190: a token would go over the network in plain text/),
    });
  });

  it('renews that of a proxy with the same scope', async () => {
    const flags = ['--workload', 'web', '--instance', 'web-1', '-n', 'shop'];
    const first = (await user.heddle('token', 'create', ...flags)).out.trim();
    const second = (await user.heddle('token', 'renew', '--proxy-token', first)).out.trim();
    const scope = (token: string) => {
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        unknown
      >;
      return ['mesh', 'ns', 'wl', 'inst', 'labels', 'addr'].map((name) => claims[name]);
    };
    expect(second).not.toBe(first);
    expect(scope(second)).toEqual(scope(first));
  });

  it('is told with its id and its end, and can be renewed without being shown to other users', async () => {
    const made = await user.heddle('token', 'create', '--workload', 'web', '-n', 'shop', '--ttl-days', '3');
    expect(made.err).toMatch(/^id \S+, valid until \d{4}-\d\d-\d\dT\S+Z\n/);
    user.write('token', made.out);
    const renewed = await user.heddle('token', 'renew', '--proxy-token-file', 'token');
    expect(renewed).toMatchObject({ code: EXIT.ok, err: expect.stringMatching(/^valid until \d{4}-/) });
    expect((await user.heddle('token', 'renew')).err).toMatch(/--proxy-token-file FILE/);
  });
});

describe('heddle login', () => {
  const admin = async (): Promise<string> =>
    JSON.parse((await user.heddle('token', 'create', 'x', '--role', 'admin', '-o', 'json')).out).token;

  it('stores a context once its token has been seen to work', async () => {
    const guest = new Terminal();
    expect(await guest.pipe('hdl_no', 'login', '--server', url)).toMatchObject({ code: EXIT.unreachable });
    expect((await guest.heddle('context', 'list')).out).toBe('(none)\n');
    expect(await guest.pipe(`${await admin()}\n`, 'login', '--server', `${url}/`, '--name', 'work')).toMatchObject({
      code: EXIT.ok,
      err: expect.stringContaining(`logged in at ${url}; stored as context work in `),
    });
    expect((await guest.heddle('get', 'meshes')).out).toContain('default');
    await guest.close();
  });

  it('exchanges a one-time admin token', async () => {
    const guest = new Terminal();
    const { path } = await ensureAdminToken(join(user.dir, 'data'), systemClock);
    guest.write('once', readFileSync(path, 'utf8'));
    const { code, err } = await guest.heddle('login', '--server', url, '--token-file', 'once');
    expect([code, err]).toEqual([EXIT.ok, expect.stringContaining('stored as context 127.0.0.1 in ')]);
    expect((await guest.heddle('token', 'list')).code).toBe(EXIT.ok);
    await guest.close();
  });

  it('trusts a control plane with TLS by a CA that it is given, for every command', async () => {
    const owner = new Terminal();
    const ports = await freePorts();
    await startUp(owner, ports, '--rest-host', '0.0.0.0').said(/you are logged in as admin/);
    const file = readFileSync(join(owner.dir, 'home/.config/heddle/config.yaml'), 'utf8');
    const { token, ca } = (parse(file) as { contexts: { local: { token: string; ca: string } } }).contexts.local;
    const server = `https://localhost:${ports.rest}`;
    const guest = new Terminal();
    guest.write('ca.pem', ca);
    expect(await guest.heddle('get', 'meshes', '--server', server, '--token', token)).toMatchObject({
      code: EXIT.unreachable,
      err: expect.stringMatching(/^heddle: the certificate of \S+ is not by an authority.*\n.*HEDDLE_CA=FILE/),
    });
    const trusting = new Terminal({ HEDDLE_CA: join(guest.dir, 'ca.pem') });
    expect((await trusting.heddle('get', 'meshes', '--server', server, '--token', token)).code).toBe(EXIT.ok);
    expect((await trusting.heddle('config')).code).toBe(EXIT.ok);
    expect((await guest.pipe(token, 'login', '--server', server, '--ca', 'ca.pem')).code).toBe(EXIT.ok);
    expect((await guest.heddle('get', 'meshes')).code).toBe(EXIT.ok);
    expect((await guest.pipe(token, 'login', '--server', server, '--ca', 'no.pem')).err).toMatch(/no such file/);
    const plain = `http://localhost:${ports.rest}`;
    expect((await guest.heddle('get', 'meshes', '--server', plain, '--token', 'x')).err).toContain(
      'does it speak TLS?',
    );
    for (const terminal of [guest, trusting, owner]) await terminal.close();
  });

  it('switches between contexts', async () => {
    const guest = new Terminal();
    const token = await admin();
    for (const name of ['one', 'two']) await guest.pipe(token, 'login', '--server', url, '--name', name, '-n', name);
    expect((await guest.heddle('context', 'list')).out).toMatch(/\n +one +http.* one *\n\* +two +http/);
    expect((await guest.heddle('context', 'use', 'one')).code).toBe(EXIT.ok);
    expect((await guest.heddle('context', 'list')).out).toMatch(/\n\* +one /);
    expect((await guest.heddle('context', 'list', '-o', 'json')).out).not.toContain(token);
    expect(await guest.heddle('context', 'use', 'three')).toMatchObject({
      code: EXIT.usage,
      err: 'heddle: no context is called three (there are: one, two)\n',
    });
    await guest.close();
  });

  it('never sends the token of one control plane to another', async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{"items":[]}');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const there = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    expect(await user.heddle('get', 'svc', '--server', there)).toMatchObject({
      code: EXIT.usage,
      err: expect.stringMatching(/the stored token is for \S+; it is not sent to .*\n.*HEDDLE_TOKEN or pass --token/),
    });
    expect((await user.heddle('get', 'svc', '--server', there, '--token', 'mine')).code).toBe(EXIT.ok);
    expect(seen).toEqual(['Bearer mine']);
    other.close();
  });

  it('says what is wrong with a file of contexts', async () => {
    const guest = new Terminal();
    const path = join(guest.dir, guest.write('home/.config/heddle/config.yaml', 'current: a\n- b: {\n'));
    expect(await guest.heddle('get', 'svc')).toMatchObject({
      code: EXIT.usage,
      err: `heddle: ${path} is not valid YAML (line 2)\n`,
    });
    await guest.close();
  });
});
