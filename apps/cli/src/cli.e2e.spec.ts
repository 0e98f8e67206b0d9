import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '#libs/launcher';
import { EXIT } from './exit-codes.js';
import { loggedIn, type Ports, startUp } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { type Running, Terminal } from './testing/terminal.js';

const user = new Terminal();
let up: Running;
let ports: Ports;

beforeAll(async () => {
  ({ up, ports } = await loggedIn(user));
});

afterAll(() => user.close());

describe('heddle quarantine', () => {
  it('says that there is nothing, and that nothing else can be released', async () => {
    expect(await user.heddle('quarantine', 'list')).toMatchObject({
      code: EXIT.ok,
      out: expect.stringContaining('(none)'),
    });
    const released = await user.heddle('quarantine', 'release', 'timeoutpolicy/pace', '-n', 'shop');
    expect([released.code, released.err]).toEqual([
      EXIT.notFound,
      expect.stringContaining('TimeoutPolicy shop/pace is not in quarantine'),
    ]);
    expect((await user.heddle('quarantine', 'release', 'no-id')).err).toContain('nothing with the id no-id');
  });
});

describe('heddle apply, get and delete', () => {
  it('stores a directory in one change, and says when there is nothing to change', async () => {
    user.write('shop/web.yaml', service('web'));
    user.write('shop/orders.yaml', service('orders'));
    expect(await user.heddle('apply', '--yes', '-f', 'shop', '--message', 'the shop')).toMatchObject({
      code: EXIT.ok,
      out: expect.stringMatching(/created +Service +shop +orders\s+created +Service +shop +web\s+change c-\d+/),
    });
    expect((await user.heddle('apply', '--yes', '-f', 'shop')).out).toMatch(/unchanged.*\n\nnothing to change/s);
  });

  it('reads standard input, and answers in JSON for programs', async () => {
    const { code, out } = await user.pipe(service('piped'), 'apply', '--yes', '-f', '-', '-o', 'json');
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
    const { code, err } = await user.heddle('apply', '--yes', '-f', 'bad');
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
    const { code, err } = await user.pipe(route, 'apply', '--yes', '-f', '-', '--wait');
    expect([code, err]).toEqual([EXIT.ok, expect.stringMatching(/^warning: HTTPRoute shop\/web \/spec.*nowhere/)]);
    expect((await user.heddle('get', 'httproutes', '-n', 'shop')).out).toMatch(/web +1 +ResolvedRefs: /);
  });

  it('shows a list as a table, one as YAML that can be applied again, and both for programs', async () => {
    const list = await user.heddle('get', 'svc', '-n', 'shop');
    expect(list.out).toMatch(/^NAMESPACE +NAME +VERSION +STATUS +UPDATED\s+shop +orders +1 +ok /);
    const one = await user.heddle('get', 'services', 'web', '-n', 'shop');
    expect(parse(one.out)).toMatchObject({ kind: 'Service', metadata: { name: 'web', version: 1 } });
    expect((await user.pipe(one.out, 'apply', '--yes', '-f', '-')).out).toContain('unchanged');
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
    expect((await user.pipe(service('dry'), 'apply', '--yes', '-f', '-', '--dry-run')).out).toContain(
      'nothing was stored',
    );
    expect((await user.heddle('get', 'svc', 'dry', '-n', 'shop')).code).toBe(EXIT.notFound);
  });

  it('applies files, directories and standard input together', async () => {
    user.write('more/one.yaml', service('one'));
    user.write('two.yaml', service('two'));
    const flags = ['-f', 'more', '-f', 'two.yaml', '-f', '-'];
    expect(
      (await user.pipe(service('three'), 'apply', '--yes', ...flags)).out.match(/created +Service +shop +\w+/g),
    ).toHaveLength(3);
    expect((await user.pipe(service('four'), 'validate', ...flags)).out).toBe('3 documents are valid\n');
  });

  it('refuses to have been given nothing', async () => {
    user.write('empty.yaml', '# nothing yet\n');
    expect(await user.heddle('apply', '--yes', '-f', 'empty.yaml')).toMatchObject({
      code: EXIT.refused,
      err: 'heddle: empty.yaml holds no document\n',
    });
    expect(await user.pipe('', 'validate', '-f', '-')).toMatchObject({
      code: EXIT.refused,
      err: 'heddle: standard input holds no document\n',
    });
  });

  it('deletes what manifests describe, in one change that says why', async () => {
    expect(await user.heddle('delete', '-f', 'more', '-f', 'two.yaml', '--message', 'tidy')).toMatchObject({
      code: EXIT.ok,
      out: 'deleted Service shop/one\ndeleted Service shop/two\n',
    });
    expect((await user.heddle('delete', 'svc', 'three', '-n', 'shop', '--message', 'over')).code).toBe(EXIT.ok);
    expect((await user.heddle('history', '--limit', '2')).out).toMatch(/ over +deleted Service shop\/three.* tidy +/s);
    expect((await user.heddle('delete', '-f', 'more')).code).toBe(EXIT.notFound);
  });

  it('makes a second mesh, with what is in it', async () => {
    const mesh =
      'apiVersion: heddle.dev/v1alpha1\nkind: Mesh\nmetadata: { name: two }\nspec: { mtls: { mode: PERMISSIVE } }\n';
    expect((await user.pipe(mesh, 'apply', '--yes', '-f', '-')).out).toMatch(/created +Mesh +two/);
    expect((await user.pipe(service('there'), 'apply', '--yes', '-m', 'two', '-f', '-')).out).toMatch(
      /created +Service +shop +there/,
    );
    expect((await user.heddle('get', 'svc', '-m', 'two', '-A')).out).toMatch(/shop +there +1 +ok/);
    expect((await user.heddle('get', 'svc', 'there', '-n', 'shop')).code).toBe(EXIT.notFound);
    expect((await user.heddle('get', 'meshes')).out).toMatch(/default +1 +ok .*\n.*two +1 +ok/);
  });

  it('says once what is wrong, in one line when it is one thing', async () => {
    user.write('list.json', '[1]');
    expect(await user.heddle('apply', '--yes', '-f', 'list.json')).toMatchObject({
      code: EXIT.refused,
      err: expect.stringMatching(/^heddle: list\.json: the document must be an object[^\n]*\n$/),
    });
    expect((await user.heddle('get', 'svc', '-m', 'nope')).err).toContain('there is no mesh nope: ');
  });

  it('keeps who, when, why and what in the history', async () => {
    const { out } = await user.heddle('history', '--limit', '50');
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
    offline.write('list.json', '[1]');
    expect(await offline.heddle('validate', '-f', 'list.json')).toMatchObject({
      code: EXIT.refused,
      out: 'error: list.json: must be an object with apiVersion, kind, metadata [invalid-type]\n',
      err: 'heddle: 1 error in 1 document\n',
    });
    await offline.close();
  });
});

describe('heddle by itself', () => {
  it.each([
    [['aply'], /unknown command 'aply'/],
    [['apply', '--yes'], /-f, --file/],
    [['apply', '--yes', '-f', 'x.yaml', '--frob'], /unknown option '--frob'/],
    [['apply', '--yes', '-f', 'nofile.yaml'], /nofile\.yaml cannot be read: no such file\n/],
    [['frobnicate', '--help'], /unknown command 'frobnicate'/],
    [['proxy', 'frob', '--help'], /unknown command 'frob'/],
    [['help', 'frobnicate'], /unknown command 'frobnicate'/],
    [['apply', '--yes', '-f', 'x', '--timeout', 'abc'], /--timeout abc: a whole number from 1 to 86400/],
    [['apply', '--yes', '-f', 'x', '--timeout', '-1'], /--timeout -1: /],
    [['apply', '--yes', '-f', 'x', '--timeout', '0'], /--timeout 0: /],
    [['history', '--limit', 'many'], /--limit many: a whole number from 1 to 500/],
    [['get', 'svc', '--context', 'nope'], /no context is called nope \(there are: local\)/],
    [['get', 'svc', '--server', '127.0.0.1:8190'], /--server 127\.0\.0\.1:8190: write http:\/\/HOST:PORT/],
    [['get', 'svc', 'web', '-A'], /give it with -n instead of -A/],
    [['get', 'svc', '-l', 'a'], /--selector a: write label=value/],
    [['get', 'instances', '-l', 'a'], /--selector a: write label=value/],
    [['delete', 'svc'], /name the kind and the resource, or give -f FILE/],
    [['proxy', 'env', '--format', 'xml'], /--format xml: it must be shell or env/],
    [['proxy', 'env', '--outbound', '127.0.0.1:x'], /--outbound x: a whole number from 1 to 65535/],
    [['token', 'create', 'ci', '--ttl-days', 'abc'], /--ttl-days abc: a whole number from 1 to 365/],
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
    expect(await user.heddle('get', 'svc', '--server', `http://127.0.0.1:${port}`, '--token', 'x')).toMatchObject({
      code: EXIT.unreachable,
      err: expect.stringMatching(/does not answer: .*ECONNREFUSED.*\n.*`heddle up` starts one/),
    });
    const stranger = new Terminal();
    expect((await stranger.heddle('get', 'svc')).err).toMatch(/no control plane is known\n.*heddle up/);
    await stranger.close();
  });

  it('says in one line that a server speaks something else', async () => {
    const tls = await user.heddle('get', 'svc', '--server', `https://127.0.0.1:${ports.rest}`, '--token', 'x');
    expect([tls.code, tls.err]).toEqual([EXIT.unreachable, expect.stringMatching(/does not speak TLS\n +is it http:/)]);
    const page = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await once(page, 'listening');
    const { port } = page.address() as AddressInfo;
    const other = await user.heddle('get', 'svc', '--server', `http://127.0.0.1:${port}`, '--token', 'x');
    expect(other.err).toMatch(/is no JSON: is it a Heddle control plane\?\n$/);
    page.close();
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
    const words = (...typed: string[]): string[] => {
      const line = `COMP_WORDS=(heddle ${typed.join(' ')} ""); COMP_CWORD=${typed.length + 1}`;
      const run = `${out}\n${line}; _heddle; echo "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', run], { encoding: 'utf8' }).stdout.trim().split(' ');
    };
    expect(words('proxy')).toEqual(['bootstrap', 'run', 'check', 'env']);
    expect(words('proxy', 'env')).toEqual(['--outbound', '--direct', '--format']);
    expect(words('delete')).toEqual(expect.arrayContaining(['services', 'instances', '--file']));
    expect(words('delete', 'services')).not.toContain('services');
    expect(words('completion')).toEqual(['bash', 'zsh']);
  });

  it('helps with every command', async () => {
    const { out } = await user.heddle('--help');
    expect(out).not.toMatch(/\b(frobnicate|undo)\b/);
    const commands = [...out.matchAll(/^ {2}([a-z][a-z-]*)[ |]/gm)].map(([, name]) => name ?? '');
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
    up = startUp(user, ports);
    await up.said(/the context you have is still good/);
    expect((await user.heddle('get', 'svc', 'orders', '-n', 'shop')).code).toBe(EXIT.ok);
  });

  it('takes every setting of the control plane, and off loopback logs in over TLS that its user can trust', async () => {
    await user.interrupt(up);
    up = startUp(user, ports, '--rest-host', '0.0.0.0');
    await up.said(/ready at https:\/\/localhost/);
    expect((await user.heddle('get', 'svc', 'orders', '-n', 'shop')).code).toBe(EXIT.ok);
  });

  it('ends with the code of the control plane, or names the signal', async () => {
    const other = new Terminal();
    expect(await other.heddle('up', '--data-dir', '/proc/x', '--rest-port', '0', '--xds-port', '0')).toMatchObject({
      code: 5,
      err: expect.stringMatching(
        /the data directory \/proc\/x \(--data-dir\) cannot be used .*\n.*ended with code 5\n$/,
      ),
    });
    const killed = startUp(other, { rest: 0, xds: 0 });
    await killed.said(/you are logged in/);
    const child = readFileSync(`/proc/${killed.child.pid}/task/${killed.child.pid}/children`, 'utf8').split(' ')[0];
    process.kill(Number(child), 'SIGKILL');
    expect(await killed.ended).toMatchObject({ code: 137, err: expect.stringContaining('was ended by SIGKILL') });
    // Nobody was left to stop its Postgres: the next start would take it over, and there is none.
    const postmaster = readFileSync(join(other.dir, 'data/postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0];
    process.kill(Number(postmaster), 'SIGQUIT');
    await expect.poll(() => existsSync(`/proc/${postmaster}`), { timeout: 60_000 }).toBe(false);
    await other.close();
  });

  it('ends with its parent, even when that was killed', async () => {
    const pid = readFileSync(join(user.dir, 'data/postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0] ?? '';
    up.child.kill('SIGKILL');
    await up.ended;
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 60_000 }).toBe(false);
  });
});
