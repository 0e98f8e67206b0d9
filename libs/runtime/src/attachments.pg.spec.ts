import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProxyIdentity, silentLog } from '#libs/kernel';
import {
  type Attachment,
  type Instances,
  type InstanceTransition,
  openStore,
  type Store,
  StoreUnavailable,
} from '#libs/store';
import { HandClock } from '../../testing/src/clock/index.js';
import { FaultProxy } from '../../testing/src/faults/index.js';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { Attachments } from './attachments.js';

const PROXIES = 40;
const FLAPS = 25;

let database: TestDatabase;
let way: FaultProxy;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  const { hostname: host, port } = new URL(database.url);
  way = await FaultProxy.start({ targets: () => [{ host, port: Number(port) }] });
  store = await openStore({ url: way.urlOf(database.url), replica: 'a' });
});
afterAll(async () => {
  await store?.close();
  await way?.stop();
  await database?.drop();
});

/** What is written, with how much of it was under way at once. */
class Watched {
  readonly done: InstanceTransition[] = [];
  most = 0;
  /** What is written is written, and nobody hears of it. */
  losesAnswers = false;
  #underWay = 0;

  readonly instances: Pick<Instances, 'transition'> = {
    transition: async (transition) => {
      this.#underWay += 1;
      this.most = Math.max(this.most, this.#underWay);
      try {
        const revision = await store.instances.transition(transition);
        this.done.push(transition);
        if (this.losesAnswers) throw new StoreUnavailable('the answer was lost');
        return revision;
      } finally {
        this.#underWay -= 1;
      }
    },
  };

  get isIdle(): boolean {
    return this.#underWay === 0;
  }
}

const identityOf = (name: string): ProxyIdentity => ({
  ...{ mesh: 'default', namespace: 'shop', workload: 'web', instance: name },
});

async function register(names: readonly string[]): Promise<void> {
  for (const name of names)
    await store.instances.register(
      {
        ...{ mesh: 'default', namespace: 'shop', workload: 'web', name, labels: {}, host: '10.0.0.1' },
        bind: { address: '10.0.0.1', ports: { http: 8080 } },
        app: { address: '127.0.0.1', ports: { http: 8080 } },
        advertised: '10.0.0.1',
        outbound: { address: '127.100.0.1', httpPort: 15001 },
        locality: { region: '', zone: '' },
      },
      { name: 'tests', role: 'admin', ip: '', requestId: '' },
    );
}

async function start(prefix: string) {
  const names = Array.from({ length: PROXIES }, (_, i) => `${prefix}-${i}`);
  await register(names);
  const clock = new HandClock();
  const watched = new Watched();
  const attachments = new Attachments({
    ...{ instances: watched.instances, replica: 'a', epoch: prefix, clock, log: silentLog },
    caughtUp: () => Promise.resolve(),
  });
  let streams = 0;
  return {
    ...{ clock, watched, attachments, names },
    open: () => {
      streams += 1;
      for (const name of names) attachments.opened(identityOf(name), streams, '1.38.0', []);
    },
    close: () => {
      for (const name of names) attachments.closed(identityOf(name), streams);
    },
    /** All that can be written without the clock. */
    settle: async () => {
      await expect.poll(() => watched.isIdle).toBe(true);
    },
    attached: async (): Promise<readonly (readonly Attachment[])[]> =>
      (await store.instances.list('default', 'shop'))
        .filter(({ name }) => names.includes(name))
        .map(({ attached }) => attached),
  };
}

type Fleet = Awaited<ReturnType<typeof start>>;

/** Each is away for long enough to be detached, again and again; writes are tried every second. */
async function flap({ open, close, clock, settle }: Fleet): Promise<void> {
  for (let flap = 0; flap < FLAPS; flap += 1) {
    close();
    for (let second = 0; second < 4; second += 1) {
      await clock.advance(1_000);
      await settle();
    }
    open();
    await settle();
  }
}

describe('REL-2 REL-41: proxies that flap while Postgres is away', () => {
  it('cost one write each when it is back, and end as they are then', async () => {
    const fleet = await start('flapping');
    const { watched, clock, settle } = fleet;
    fleet.open();
    await settle();
    expect(await fleet.attached()).toEqual(fleet.names.map(() => [expect.objectContaining({ epoch: 'flapping' })]));
    watched.done.length = 0;
    way.set('refused');
    await flap(fleet);
    expect(watched.done).toEqual([]);
    expect(watched.most).toBe(PROXIES);
    way.heal();
    await clock.advance(2_000);
    await settle();
    expect(watched.done.map(({ op }) => op)).toEqual(fleet.names.map(() => 'attach'));
    expect((await fleet.attached()).map((entries) => entries.length)).toEqual(fleet.names.map(() => 1));
    watched.done.length = 0;
    way.set('refused');
    await flap(fleet);
    fleet.close();
    await clock.advance(2_000);
    way.heal();
    await settle();
    await clock.advance(2_000);
    await settle();
    expect(watched.done.map(({ op }) => op)).toEqual(fleet.names.map(() => 'detach'));
    expect((await fleet.attached()).flat()).toEqual([]);
    // Nothing is left to be written, and the next stream is an attachment of its own.
    await clock.advance(10_000);
    expect(watched.done).toHaveLength(PROXIES);
    fleet.open();
    await settle();
    expect((await fleet.attached()).map(([entry]) => entry?.stream)).toEqual(fleet.names.map(() => expect.any(Number)));
  });

  it('are said to be routable once, however often it is found', async () => {
    const fleet = await start('routable');
    const { watched, clock, settle, attachments, names } = fleet;
    fleet.open();
    await settle();
    watched.done.length = 0;
    way.set('refused');
    for (let time = 0; time < FLAPS; time += 1) {
      for (const name of names) attachments.markRoutable(identityOf(name));
      await clock.advance(1_000);
      await settle();
    }
    expect(watched.most).toBe(PROXIES);
    way.heal();
    await clock.advance(2_000);
    await settle();
    expect(watched.done.map(({ op }) => op)).toEqual(names.map(() => 'routable'));
  });

  it('of what an answer was lost to is written again: it may have been taken or not', async () => {
    const fleet = await start('lost');
    const { watched, clock, settle } = fleet;
    fleet.open();
    await settle();
    watched.losesAnswers = true;
    fleet.close();
    await clock.advance(2_000);
    await settle();
    expect((await fleet.attached()).flat()).toEqual([]);
    fleet.open();
    watched.losesAnswers = false;
    await clock.advance(2_000);
    await settle();
    expect(watched.done.at(-1)?.op).toBe('attach');
    expect((await fleet.attached()).map((entries) => entries.length)).toEqual(fleet.names.map(() => 1));
  });
});
