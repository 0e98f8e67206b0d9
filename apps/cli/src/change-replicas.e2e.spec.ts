import { afterAll, beforeAll, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { createTestDatabase, type TestDatabase } from '../../../libs/testing/src/postgres/index.js';
import { FakeXdsClient, SILENCE } from '../../../libs/testing/src/xds-client/index.js';
import { EXIT } from './exit-codes.js';
import { freePorts, type Ports } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { registeredProxy } from './testing/registered-proxy.js';
import { type Running, Terminal } from './testing/terminal.js';

const user = new Terminal();
const proxies: FakeXdsClient[] = [];
let database: TestDatabase;
let ports: readonly Ports[];
let second: Running;
/** Those of replica one, whichever a context names. */
let to: readonly string[];

const replica = async (name: string, at: Ports): Promise<Running> => {
  const own = ['--data-dir', `data-${name}`, '--replica', name, '--rest-port', `${at.rest}`, '--xds-port', `${at.xds}`];
  const up = user.start(['up', ...own, '--key-file', 'key', '--database-url', database.url]);
  await up.said(/logged in as admin|ready at/);
  return up;
};

beforeAll(async () => {
  database = await createTestDatabase();
  ports = [await freePorts(), await freePorts()];
  const [one, two] = ports as [Ports, Ports];
  await replica('one', one);
  second = await replica('two', two);
  const made = await user.heddle('token', 'create', 'ci', '--role', 'admin', '-o', 'json');
  const { token } = JSON.parse(made.out) as { token: string };
  to = ['--server', `http://127.0.0.1:${one.rest}`, '--token', token];
  for (const [i, at] of [one, two].entries()) {
    const workload = `web-${i}`;
    const proxy = await registeredProxy(user, {
      ...{ ports: at, workload, address: `127.0.43.${i + 1}`, dataDir: 'data-one' },
    });
    proxies.push(new FakeXdsClient(proxy).connect().subscribe(TYPE.cluster).subscribe(TYPE.listener));
  }
  for (const proxy of proxies) await proxy.waitFor(({ responses }) => responses.length > 0);
});
afterAll(async () => {
  for (const proxy of proxies) proxy.disconnect();
  await user.close();
  await database?.drop();
});

const apply = (name: string) => user.pipe(service(name), 'apply', '--yes', '-f', '-', '--wait', '-o', 'json', ...to);

it('a change is delivered when the proxies of every replica have it, and refused when one of another refuses it', async () => {
  const both = JSON.parse((await apply('both')).out) as { delivery: object };
  expect(both.delivery).toMatchObject({
    ...{ state: 'Delivered', total: 2, acked: 2 },
    replicas: [
      { replica: 'one', total: 1, acked: 1 },
      { replica: 'two', total: 1, acked: 1 },
    ],
  });
  proxies[1]?.judgeWith(({ type }) => (type === TYPE.cluster ? 'not this one' : undefined));
  const refused = await apply('refused');
  expect([refused.code, refused.err]).toEqual([
    EXIT.proxyRefused,
    expect.stringContaining('default/shop/web-1/web-1-1: CDS shop/refused/8080: not this one'),
  ]);
});

it('REL-13: a replica that is killed is waited for no longer than its lease, and what it had reported counts', async () => {
  proxies[1]?.judgeWith(() => SILENCE);
  const waiting = user.start(['apply', '--yes', '-f', '-', '--wait', '-o', 'json', ...to], service('through'));
  await waiting.said(/waiting: 1 of 2 proxies have it/);
  proxies[1]?.disconnect();
  process.kill(-(second.child.pid ?? 0), 'SIGKILL');
  const { code, out } = await waiting.ended;
  expect([code, JSON.parse(out)]).toEqual([
    EXIT.ok,
    expect.objectContaining({ delivery: expect.objectContaining({ state: 'Delivered', acked: 1, total: 1 }) }),
  ]);
});
