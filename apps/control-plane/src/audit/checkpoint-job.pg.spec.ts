import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuditKeys, kekOf } from '#libs/identity';
import { type Clock, silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { openStore, type Store } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../../../libs/testing/src/postgres/index.js';
import { CheckpointJob } from './checkpoint-job.js';
import { type Destination, destinationOf } from './destination.js';

const DAY_MS = 86_400_000;

/** A webhook that answers as it is told, and remembers what it took. */
class Hook {
  readonly taken: { readonly body: string; readonly key: string; readonly token: string }[] = [];
  readonly answers: number[] = [];
  attempts = 0;
  readonly #server: Server = createServer((request, response) => {
    this.attempts += 1;
    void this.#take(request).then((status) => {
      response.statusCode = status;
      response.end();
    });
  });

  async #take(request: IncomingMessage): Promise<number> {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += String(part);
    const status = this.answers.shift() ?? 204;
    const { 'idempotency-key': key, authorization: token } = request.headers;
    if (status < 300) this.taken.push({ body, key: String(key), token: String(token) });
    return status;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/checkpoints`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Waits between attempts take no time; the day is what the test says. */
const clockAt = (offset: () => number): Clock => ({
  ...systemClock,
  now: () => systemClock.now() + offset(),
  after: (_ms, task) => systemClock.after(0, task),
});

describe('the job that signs the audit', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heddle-checkpoints-'));
  const kek = kekOf(new Uint8Array(32).fill(7));
  let database: TestDatabase;
  let store: Store;
  let hook: Hook;
  let url: string;
  let later = 0;
  const clock = clockAt(() => later);
  const jobs: CheckpointJob[] = [];

  beforeAll(() => writeFileSync(join(directory, 'token'), 'secret\n'));
  afterAll(() => rmSync(directory, { recursive: true }));

  beforeEach(async () => {
    later = 0;
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'a' });
    hook = new Hook();
    url = await hook.start();
  });

  afterEach(async () => {
    await Promise.all(jobs.splice(0).map((job) => job.stop()));
    hook.stop();
    await store.close();
    await database.drop();
  });

  const destination = (text: string, replica = 'a'): Destination =>
    destinationOf(text, {
      replica,
      clock,
      webhookTokenFile: join(directory, 'token'),
      signal: new AbortController().signal,
    });
  const job = (replica: string, destinations: readonly Destination[]): CheckpointJob => {
    const keys = new AuditKeys({ authorities: store.authorities, kek, clock, days: 10 });
    const ports = { clock, log: silentLog, metrics: silentMetrics };
    const made = new CheckpointJob({
      trail: store.audit,
      keys: () => keys.current(),
      destinations,
      replica,
      everySeconds: 60,
      historyDays: 0,
      ...ports,
    });
    jobs.push(made);
    return made;
  };
  const write = async (): Promise<void> => {
    const manifest = {
      apiVersion: 'heddle.dev/v1alpha1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'd', labels: {}, annotations: {} },
      spec: { n: Math.random() },
    };
    const actor = { name: 'tests', role: 'admin', ip: '', requestId: '' };
    await store.resources.write({ mesh: 'default', actor, message: '', items: [{ op: 'put', manifest }] });
  };
  const kinds = (texts: readonly string[]): string[] =>
    texts.map((text) => (JSON.parse(text) as { type: string }).type.split('/')[0]?.replace('heddle-audit-', '') ?? '');

  it('SEC-62 sends key and checkpoints to file and webhook, and nothing while nothing changes', async () => {
    const file = join(directory, 'checkpoints.jsonl');
    const running = job('a', [destination(`file:${file}`), destination(url)]);
    await running.tick();
    await running.tick();
    expect(kinds(hook.taken.map(({ body }) => body))).toEqual(['key', 'checkpoint']);
    await write();
    await running.tick();
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(kinds(lines)).toEqual(['key', 'checkpoint', 'checkpoint']);
    expect(hook.taken.map(({ body }) => body)).toEqual(lines);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(hook.taken.map(({ token }) => token)).toEqual(Array.from({ length: 3 }, () => 'Bearer secret'));
    expect(new Set(hook.taken.map(({ key }) => key)).size).toBe(3);
    const checkpoints = lines.map((line) => JSON.parse(line) as unknown);
    expect(await store.audit.verify({ checkpoints })).toMatchObject({ ok: true, checkpoints: 4 });
  });

  it('sends what a destination did not take again, in order, and says what is wrong with it', async () => {
    hook.answers.push(500, 503, 200);
    const running = job('a', [destination(url)]);
    await running.tick();
    expect(kinds(hook.taken.map(({ body }) => body))).toEqual(['key', 'checkpoint']);
    expect(hook.attempts).toBe(4);
    hook.answers.push(500, 500, 500);
    await write();
    await running.tick();
    expect(await store.audit.exports()).toMatchObject([
      { destination: url, statement: 2, failures: 1, error: expect.stringContaining('answered with 500') },
    ]);
    await write();
    await running.tick();
    expect(kinds(hook.taken.map(({ body }) => body))).toEqual(['key', 'checkpoint', 'checkpoint', 'checkpoint']);
    expect(await store.audit.exports()).toMatchObject([{ statement: 4, failures: 0, error: '' }]);
  });

  it('one destination that is away does not keep the others waiting', async () => {
    const file = join(directory, 'others.jsonl');
    const running = job('a', [destination(`file:${join(directory, 'no/such/place')}`), destination(`file:${file}`)]);
    await running.tick();
    expect(kinds(readFileSync(file, 'utf8').trim().split('\n'))).toEqual(['key', 'checkpoint']);
    const states = await store.audit.exports();
    expect(states.find(({ destination: name }) => name.includes('no/such'))).toMatchObject({
      statement: 0,
      failures: 1,
      error: expect.stringContaining('ENOENT'),
    });
    expect(states.find(({ destination: name }) => name.includes('others'))).toMatchObject({
      statement: 2,
      failures: 0,
    });
  });

  it('is done by one replica, and by another when that one has stopped', async () => {
    const [first, second] = [job('a', [destination(url)]), job('b', [destination(url)])];
    await Promise.all([first.tick(), second.tick()]);
    await write();
    await Promise.all([first.tick(), second.tick()]);
    expect(kinds(hook.taken.map(({ body }) => body))).toEqual(['key', 'checkpoint', 'checkpoint']);
    await first.stop();
    await second.stop();
    const third = job('c', [destination(url)]);
    await write();
    await third.tick();
    expect(hook.taken).toHaveLength(4);
  });

  it('SEC-62 signs with a new key when the old one has had its time; the old one signs the new one', async () => {
    const running = job('a', [destination(url)]);
    await running.tick();
    later = 11 * DAY_MS;
    await write();
    await running.tick();
    expect(kinds(hook.taken.map(({ body }) => body))).toEqual(['key', 'checkpoint', 'key', 'checkpoint']);
    const [first, , second, checkpoint] = hook.taken.map(({ body }) => JSON.parse(body) as { id: string; key: string });
    expect([second?.key, checkpoint?.key]).toEqual([first?.id, second?.id]);
    expect(
      await store.audit.verify({ checkpoints: hook.taken.map(({ body }) => JSON.parse(body) as unknown) }),
    ).toMatchObject({ ok: true });
  });

  it('SEC-62 does not sign a chain that somebody has edited, and says so', async () => {
    const metrics = new Map<string, number>();
    const running = new CheckpointJob({
      ...{
        trail: store.audit,
        destinations: [destination(url)],
        replica: 'a',
        everySeconds: 60,
        historyDays: 0,
        clock,
        log: silentLog,
      },
      keys: () => new AuditKeys({ authorities: store.authorities, kek, clock, days: 0 }).current(),
      metrics: { ...silentMetrics, gauge: (name, value) => void metrics.set(name, value) },
    });
    jobs.push(running);
    await write();
    await database.rows(`UPDATE audit_entry SET payload = replace(payload, 'tests', 'nobody') WHERE seq = 2`);
    await running.tick();
    expect(kinds(hook.taken.map(({ body }) => body))).toEqual(['key']);
    expect(metrics.get('heddle_audit_broken')).toBe(1);
  });
});
