import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy, freePort } from '#libs/launcher';
import { EXIT } from './exit-codes.js';
import { loggedIn, type Ports } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { Terminal } from './testing/terminal.js';

let user: Terminal;
let ports: Ports;
let envoy: string;

beforeAll(async () => {
  envoy = (await findEnvoy()).path;
  user = new Terminal({ ENVOY_BIN: envoy });
  ({ ports } = await loggedIn(user));
});

afterAll(() => user.close());

describe('heddle proxy bootstrap, env and check', () => {
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

  it('check says that sidecar and application would share a socket', async () => {
    const { code, out } = await user.heddle('proxy', 'check', '--workload', 'orders');
    expect(code).toBe(EXIT.refused);
    expect(out).toContain('inbound port http 127.0.0.1:8080 is where the application listens');
  });

  it('bootstrap writes a folder for another machine, and says what its sidecar will dial and until when', async () => {
    const there = join(user.dir, 'vm-root/etc/heddle');
    const flags = ['--workload', 'moved', '--bind', '127.0.41.2', '--out', 'moved', '--install-dir', there];
    flags.push('--report-interval', '30', '--stats', 'cluster.', 'tcp.', '--metrics-port', '9102');
    const { code, err } = await user.heddle('proxy', 'bootstrap', ...flags);
    expect(code).toBe(EXIT.ok);
    expect(err).toContain(`start it there with: envoy -c ${there}/bootstrap.yaml\n`);
    expect(err).toContain(`sidecars will dial 127.0.0.1:${ports.xds} `);
    expect(err).toMatch(/the token ends on \d{4}-\d\d-\d\dT/);
    user.write('vm-root/etc/there', '');
    renameSync(join(user.dir, 'moved'), there);
    const text = readFileSync(join(there, 'bootstrap.yaml'), 'utf8');
    expect(text).toMatch(/stats_flush_interval: 30s\n.*prefix: cluster\.\n +- prefix: tcp\.\n/s);
    expect(text).toMatch(
      /name: heddle_metrics\n +address:\n +socket_address:\n +address: 127\.0\.41\.2\n +port_value: 9102/,
    );
    const instances = await user.heddle('get', 'instances', 'moved-1', '-o', 'json');
    expect(instances.out).toMatch(/"metrics": \{\s+"address": "127\.0\.41\.2",\s+"port": 9102/);
    const checked = spawnSync(envoy, ['--mode', 'validate', '-c', `${there}/bootstrap.yaml`], { encoding: 'utf8' });
    expect([checked.status, checked.stderr]).toEqual([0, expect.not.stringMatching(/\[(warning|error|critical)\]/)]);
  });

  it.each([
    [[], /cannot both listen on 127\.0\.0\.1:8080\n.*--bind ADDRESS/],
    [['--bind', '127.0.41.3', '--app-address', '10.0.0.1'], /--app-address 10\.0\.0\.1: it must be a loopback address/],
    [['--bind', '127.0.41.3', '--report-interval', '301'], /--report-interval 301: a whole number from 0 to 300/],
    [['--bind', '127.0.41.3', '--admin-port', 'x'], /--admin-port x: a whole number from 1 to 65535/],
    [['--bind', '127.0.41.3', '--metrics-port', '-1'], /--metrics-port -1: a whole number from 0 to 65535/],
    [['--bind', '127.0.41.3', '--port', 'http=0'], /--port http 0: a whole number from 1 to 65535/],
    [['--bind', '127.0.41.3', '--ttl-days', '91'], /--ttl-days 91: a whole number from 1 to 90/],
    [['--bind', '127.0.41.3', '--install-dir', 'etc'], /--install-dir etc: it must begin with \//],
  ])('bootstrap refuses %j before anything is registered', async (flags, message) => {
    const bootstrap = await user.heddle('proxy', 'bootstrap', '--workload', 'early', '--out', 'early', ...flags);
    expect([bootstrap.code, bootstrap.err]).toEqual([EXIT.usage, expect.stringMatching(message)]);
    expect((await user.heddle('get', 'instances', 'early-1')).code).toBe(EXIT.notFound);
    expect(existsSync(join(user.dir, 'early'))).toBe(false);
  });

  it('leaves no token behind when the registration is refused, and says why once', async () => {
    const flags = ['--workload', 'second', '--bind', '127.0.41.1', '--out', 'refused'];
    const { code, err } = await user.heddle('proxy', 'bootstrap', ...flags);
    expect([code, err]).toEqual([
      EXIT.refused,
      expect.stringMatching(
        /^heddle: \/bind\/ports\/http: 127\.0\.41\.1:8080 on host \S+ belongs to instance shop\/orders-1: [^\n]*\n$/,
      ),
    ]);
    expect(existsSync(join(user.dir, 'refused'))).toBe(false);
  });

  it('shows and deletes instances', async () => {
    expect((await user.heddle('get', 'instances', '-A', '-l', 'workload=moved')).out).toMatch(
      /moved-1.*(?<!orders-1)$/s,
    );
    expect((await user.heddle('get', 'instances', '-A', '-l', 'workload=none')).out).toBe('(none)\n');
    expect(await user.heddle('delete', 'instances', 'moved-1')).toMatchObject({
      code: EXIT.ok,
      out: 'deleted Instance default/moved-1\n',
    });
    expect((await user.heddle('get', 'instances')).out).toMatch(/moved-1 +moved +\S+ +leaving/);
    expect((await user.heddle('delete', 'instance', 'never-1')).code).toBe(EXIT.notFound);
    expect((await user.heddle('status', '-n', 'shop')).out).toContain('orders-1');
    expect((await user.heddle('status', '-n', 'none')).out).toBe(
      'no proxy is registered in none yet: heddle proxy run or proxy bootstrap\n',
    );
  });
});

describe('heddle proxy run', () => {
  const run = async (workload: string, bind: string, ...more: readonly string[]) => {
    const flags = ['--workload', workload, '--bind', bind, '-n', 'shop', '--admin-port', `${await freePort()}`];
    return user.start(['proxy', 'run', ...flags, '--outbound', `${bind}:15001`, ...more]);
  };

  it('says when it is ready, and on Ctrl-C leaves well', async () => {
    const web = await run('web', '127.0.41.5');
    await web.said(/\nready\n/);
    expect((await user.heddle('status')).out).toMatch(/shop\/web-1 +web +yes +yes/);
    expect(await user.interrupt(web)).toMatchObject({
      code: EXIT.ok,
      err: expect.stringMatching(/leaving: .*left\n$/s),
    });
    expect((await user.heddle('get', 'instances', '-n', 'shop')).out).toMatch(/web-1 +web +\S+ +leaving/);
  });

  it('does not start where the host does not permit it, unless it is told to, and then says what does not work', async () => {
    const checked = await (await run('far', '192.0.2.77', '--outbound', '127.0.41.6:15001')).ended;
    expect([checked.code, checked.err]).toEqual([
      EXIT.refused,
      expect.stringMatching(/--skip-checks starts it all the same\n +FAIL +port-taken: .*192\.0\.2\.77/),
    ]);
    expect((await user.heddle('get', 'instances', 'far-1', '-n', 'shop')).code).toBe(EXIT.notFound);
    const far = await run('far', '192.0.2.77', '--outbound', '127.0.41.6:15001', '--skip-checks');
    await far.said(/not ready: Envoy does not listen on 192\.0\.2\.77:8080: .*cannot bind .*Cannot assign requested/);
    await user.interrupt(far);
  });

  it('apply --wait tells a proxy that has not answered from one that has', async () => {
    const web = await run('web', '127.0.41.5');
    const [, pid] = await web.said(/Envoy runs \(pid (\d+)/);
    await web.said(/\nready\n/);
    expect((await user.pipe(service('web'), 'apply', '--yes', '-f', '-', '--wait')).out).toMatch(
      /\n1 of 1 proxies have it/,
    );
    process.kill(Number(pid), 'SIGSTOP');
    const late = await user.pipe(service('late'), 'apply', '--yes', '-f', '-', '--wait', '--timeout', '3');
    process.kill(Number(pid), 'SIGCONT');
    expect(late).toMatchObject({ code: EXIT.undelivered, out: expect.stringContaining('created  Service') });
    expect(late.err).toMatch(/^waiting: 0 of 1 proxies have it\n/);
    expect(late.err).toMatch(
      /only 0 of 1 proxies have the change after 3 s; it is stored and still on its way\n +default\/shop\/web\/web-1 has not answered for \d s\n +go on watching: heddle change watch c-\d+\n$/,
    );
    await user.interrupt(web);
  });
});
