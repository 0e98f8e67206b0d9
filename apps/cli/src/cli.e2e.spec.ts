import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '#libs/launcher';
import { EXIT } from './exit-codes.js';
import { type Running, Terminal } from './testing/terminal.js';

const service = (name: string, more = ''): string => `apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]${more}
`;

const user = new Terminal();
let up: Running;
let ports: { rest: number; xds: number };

const startUp = (...more: string[]): Running =>
  user.start(['up', '--data-dir', 'data', '--rest-port', `${ports.rest}`, '--xds-port', `${ports.xds}`, ...more]);

beforeAll(async () => {
  ports = { rest: await freePort(), xds: await freePort() };
  up = startUp();
  await up.said(/you are logged in as admin/);
});

afterAll(() => user.close());

describe('heddle apply, get and delete', () => {
  it('stores a directory in one change, and says when there is nothing to change', async () => {
    user.write('shop/web.yaml', service('web'));
    user.write('shop/orders.yaml', service('orders'));
    expect(await user.heddle('apply', '-f', 'shop', '--message', 'the shop')).toMatchObject({
      code: EXIT.ok,
      out: expect.stringMatching(/created +Service +shop +orders\s+created +Service +shop +web\s+change c-\d+/),
    });
    expect((await user.heddle('apply', '-f', 'shop')).out).toMatch(/unchanged.*\n\nnothing to change/s);
  });

  it('reads standard input, and answers in JSON for programs', async () => {
    const { code, out } = await user.pipe(service('piped'), 'apply', '-f', '-', '-o', 'json');
    expect([code, JSON.parse(out)]).toEqual([
      EXIT.ok,
      expect.objectContaining({ items: [expect.objectContaining({ op: 'created', name: 'piped' })] }),
    ]);
  });

  it('refuses all when one document is bad, and names its file, every field and the fix', async () => {
    user.write('bad/good.yaml', service('fine'));
    user.write(
      'bad/wrong.yaml',
      `${service('wrong', '\n  slector: {}').replace('8080', '99999')}---\n${service('also')}`,
    );
    const { code, err } = await user.heddle('apply', '-f', 'bad');
    expect(code).toBe(EXIT.refused);
    expect(err).toContain('bad/wrong.yaml (document 1): Service shop/wrong /spec/ports/0/port: ');
    expect(err).toMatch(/spec\.slector is not a field here; did you mean "selector"\?/);
    expect((await user.heddle('get', 'service', 'fine', '-n', 'shop')).code).toBe(EXIT.notFound);
  });

  it('warns of what is not there yet', async () => {
    const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: web }]
  rules: [{ backendRefs: [{ name: nowhere, port: 8080 }] }]`;
    const { code, err } = await user.pipe(route, 'apply', '-f', '-', '--wait');
    expect([code, err]).toEqual([EXIT.ok, expect.stringMatching(/^warning: HTTPRoute shop\/web \/spec.*nowhere/)]);
    expect((await user.heddle('get', 'httproutes', '-n', 'shop')).out).toMatch(/web +1 +ResolvedRefs: /);
  });

  it('shows a list as a table, one as YAML that can be applied again, and both for programs', async () => {
    const list = await user.heddle('get', 'svc', '-n', 'shop');
    expect(list.out).toMatch(/^NAMESPACE +NAME +VERSION +STATUS +UPDATED\s+shop +orders +1 +ok /);
    const one = await user.heddle('get', 'services', 'web', '-n', 'shop');
    expect(parse(one.out)).toMatchObject({ kind: 'Service', metadata: { name: 'web', version: 1 } });
    expect((await user.pipe(one.out, 'apply', '-f', '-')).out).toContain('unchanged');
    const { items } = JSON.parse((await user.heddle('get', 'svc', '-A', '-o', 'json')).out) as { items: unknown[] };
    expect(items).toHaveLength(3);
    expect((await user.heddle('get', 'meshes')).out).toMatch(/default +1 +ok/);
  });

  it('deletes one, with a warning when something refers to it, and says when there is none', async () => {
    expect(await user.heddle('delete', 'svc', 'web', '-n', 'shop')).toMatchObject({
      code: EXIT.ok,
      out: 'deleted Service shop/web\n',
      err: expect.stringContaining('HTTPRoute'),
    });
    expect(await user.heddle('delete', 'svc', 'web', '-n', 'shop')).toMatchObject({
      code: EXIT.notFound,
      err: 'heddle: Service shop/web does not exist\n',
    });
  });

  it('stores nothing with --dry-run', async () => {
    expect((await user.pipe(service('dry'), 'apply', '-f', '-', '--dry-run')).out).toContain('nothing was stored');
    expect((await user.heddle('get', 'svc', 'dry', '-n', 'shop')).code).toBe(EXIT.notFound);
  });

  it('keeps who, when, why and what in the history', async () => {
    const { out } = await user.heddle('history');
    expect(out).toMatch(/c-\d+ +\d{4}-\d\d-\d\dT\S+ +cli-\S+ +deleted Service shop\/web/);
    expect(out).toMatch(/the shop +created Service shop\/orders/);
    expect(out).toMatch(/c-1 +\S+ +system +first start/);
  });
});

describe('heddle validate', () => {
  it('needs no control plane', async () => {
    const offline = new Terminal();
    offline.write('good.yaml', service('web'));
    offline.write('bad.yaml', service('Web'));
    expect(await offline.heddle('validate', '-f', 'good.yaml')).toMatchObject({ code: EXIT.ok });
    expect(await offline.heddle('validate', '-f', 'bad.yaml')).toMatchObject({
      code: EXIT.refused,
      out: expect.stringContaining('bad.yaml: Service Web /metadata/name: '),
    });
    await offline.close();
  });
});

describe('heddle token', () => {
  it('makes one that is shown once, may do what its role may, and ends when revoked', async () => {
    const made = await user.heddle('token', 'create', 'ci', '--role', 'viewer', '-o', 'json');
    const { token, id } = JSON.parse(made.out) as { token: string; id: string };
    expect((await user.heddle('get', 'svc', '--token', token)).code).toBe(EXIT.ok);
    expect(await user.pipe(service('no'), 'apply', '-f', '-', '--token', token)).toMatchObject({
      code: EXIT.unreachable,
      err: 'heddle: this needs the role operator; the token has viewer\n',
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
});

describe('heddle proxy', () => {
  it('bootstrap registers the instance and writes what stock Envoy needs, secrets for the owner only', async () => {
    const flags = ['--workload', 'orders', '--bind', '127.0.41.1', '-n', 'shop', '--out', 'vm'];
    expect(await user.heddle('proxy', 'bootstrap', ...flags)).toMatchObject({
      code: EXIT.ok,
      err: expect.stringMatching(/^start it there with: envoy -c \S+vm\/bootstrap\.yaml\n/),
    });
    const modes = readdirSync(join(user.dir, 'vm')).map((name) => [
      name,
      statSync(join(user.dir, 'vm', name)).mode & 0o077,
    ]);
    expect(Object.fromEntries(modes)).toMatchObject({ token: 0, 'sds-token.yaml': 0, 'bootstrap.yaml': 0o044 });
    expect(readFileSync(join(user.dir, 'vm', 'bootstrap.yaml'), 'utf8')).toContain('default/shop/orders/orders-1');
    expect((await user.heddle('status')).out).toMatch(/shop\/orders-1 +orders +no +no/);
    const { items } = JSON.parse((await user.heddle('status', '-o', 'json')).out) as { items: unknown[] };
    expect(items).toMatchObject([{ instance: 'orders-1', connected: false }]);
  });

  it('env prints what a shell can evaluate', async () => {
    const { out } = await user.heddle('proxy', 'env', '--outbound', '127.100.0.9:15001');
    const shell = spawnSync('bash', ['-c', `${out}\necho "$http_proxy"`], { encoding: 'utf8' });
    expect(shell.stdout).toBe('http://127.100.0.9:15001\n');
  });

  it('check says what this host permits', async () => {
    const { code, out } = await user.heddle('proxy', 'check', '--workload', 'orders', '--bind', '127.0.41.1');
    expect([code, out]).toEqual([EXIT.ok, expect.stringMatching(/^ok +privileged-port: .*\nok +port-taken: /s)]);
  });
});

describe('heddle by itself', () => {
  it.each([
    [['aply'], /unknown command 'aply'/],
    [['apply'], /-f, --file/],
    [['apply', '-f', 'x.yaml', '--frob'], /unknown option '--frob'/],
    [['apply', '-f', 'nofile.yaml'], /nofile\.yaml cannot be read/],
    [['get', 'foo'], /no kind is called foo\n.*services/],
    [['get', 'svc', '-o', 'xml'], /--output xml: it must be table, json or yaml/],
    [['token', 'create'], /name the API token/],
    [['config', '--rest-port', 'x'], /rest\.port \(--rest-port\)/],
  ])('%j is wrong usage, told in a line or two', async (args, message) => {
    const { code, err } = await user.heddle(...args);
    expect([code, err]).toEqual([EXIT.usage, expect.stringMatching(message)]);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('says that nobody is there, and what to do', async () => {
    const port = await freePort();
    expect(await user.heddle('get', 'svc', '--server', `http://127.0.0.1:${port}`)).toMatchObject({
      code: EXIT.unreachable,
      err: expect.stringMatching(/does not answer: .*ECONNREFUSED.*\n.*`heddle up` starts one/),
    });
    const stranger = new Terminal();
    expect((await stranger.heddle('get', 'svc')).err).toMatch(/no control plane is known\n.*heddle up/);
    await stranger.close();
  });

  it('shows the configuration in force, and where each value comes from', async () => {
    user.write('heddle.yaml', 'rest: { port: 1234 }\n');
    const { out } = await user.heddle('config', '--config', 'heddle.yaml', '--xds-port', '77');
    expect(out).toMatch(/rest\.port +1234 +file heddle\.yaml/);
    expect(out).toMatch(/xds\.port +77 +--xds-port/);
    expect(out).toMatch(/rest\.host +127\.0\.0\.1 +default/);
  });

  it('completes commands and flags in a shell', async () => {
    const { out } = await user.heddle('completion', 'bash');
    const script = `${out}\nCOMP_WORDS=(heddle ap); COMP_CWORD=1; _heddle; echo "\${COMPREPLY[@]}"`;
    expect(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout).toBe('apply\n');
  });

  it('helps with every command', async () => {
    const { out } = await user.heddle('--help');
    const commands = [...out.matchAll(/^ {2}(\w+)[ |]/gm)].map(([, name]) => name ?? '');
    expect(commands).toEqual(expect.arrayContaining(['up', 'apply', 'get', 'proxy', 'completion']));
    for (const name of commands.filter((one) => one !== 'help' && one !== 'heddle')) {
      expect(await user.heddle(name, '--help')).toMatchObject({
        code: EXIT.ok,
        out: expect.stringContaining('Usage: '),
      });
    }
  });
});

describe('heddle up', () => {
  it('stops with everything that it started on Ctrl-C, keeps the data, and knows its user again', async () => {
    const pid = readFileSync(join(user.dir, 'data/postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0] ?? '';
    expect((await user.interrupt(up)).code).toBe(EXIT.ok);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    up = startUp();
    await up.said(/the context you have is still good/);
    expect((await user.heddle('get', 'svc', 'orders', '-n', 'shop')).code).toBe(EXIT.ok);
  });

  it('takes every setting of the control plane, and off loopback logs in over TLS that its user can trust', async () => {
    await user.interrupt(up);
    up = startUp('--rest-host', '0.0.0.0');
    await up.said(/ready at https:\/\/localhost/);
    expect((await user.heddle('get', 'svc', 'orders', '-n', 'shop')).code).toBe(EXIT.ok);
  });

  it('ends with its parent, even when that was killed', async () => {
    const pid = readFileSync(join(user.dir, 'data/postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0] ?? '';
    up.child.kill('SIGKILL');
    await up.ended;
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 60_000 }).toBe(false);
  });
});
