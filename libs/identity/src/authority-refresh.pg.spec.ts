import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Log, type Metrics, silentLog, systemClock } from '#libs/kernel';
import { openStore, type Store, StoreUnavailable } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { AuthorityRotation } from './authority-rotation.js';
import { CertificateAuthority } from './certificate-authority.js';
import { MemoryStore } from './fixture.js';
import { kek } from './secret-fixture.js';

const STALE =
  'the certificate authorities of a mesh cannot be taken over from the database; those in memory are used on';
const FRESH = 'the certificate authorities of a mesh are read from the database again';

/** A replica that has loaded both meshes, in this order, with what it says and counts. */
class Replica {
  readonly said: string[] = [];
  readonly numbers = new Map<string, number>();
  readonly changed: string[] = [];
  readonly authority: CertificateAuthority;
  readonly rotation: AuthorityRotation;

  constructor({ authorities }: Pick<Store, 'authorities'>) {
    const say = (words: string, fields: object | undefined) =>
      void this.said.push(`${words} ${(fields as { mesh?: string } | undefined)?.mesh}`);
    const log: Log = { ...silentLog, error: say, info: say };
    const metrics: Metrics = {
      count: (name, labels = {}, by = 1) => {
        const key = `${name} ${Object.values(labels).join(' ')}`;
        this.numbers.set(key, (this.numbers.get(key) ?? 0) + by);
      },
      gauge: (name, value, labels = {}) => void this.numbers.set(`${name} ${Object.values(labels).join(' ')}`, value),
      observe: () => {},
    };
    const shared = { authorities, kek, clock: systemClock, log, metrics };
    this.authority = new CertificateAuthority(shared);
    this.rotation = new AuthorityRotation({ ...shared, authority: this.authority });
    this.authority.onTrustChanged((mesh) => this.changed.push(mesh));
  }

  async load(): Promise<this> {
    for (const mesh of ['damaged', 'healthy']) await this.authority.of(mesh);
    return this;
  }

  roots(mesh: string): number | undefined {
    return this.authority.loaded(mesh)?.roots.length;
  }

  get stale(): unknown[] {
    return ['damaged', 'healthy'].map((mesh) => this.numbers.get(`heddle_authorities_stale ${mesh}`));
  }

  get failures(): number {
    return this.numbers.get('heddle_identity_refresh_failures_total authorities') ?? 0;
  }
}

describe('rows of one mesh that cannot be used', () => {
  let database: TestDatabase;
  const stores: Store[] = [];

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    for (const replica of ['a', 'b']) stores.push(await openStore({ url: database.url, replica }));
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await database?.drop();
  });

  const start = (index: number): Promise<Replica> => new Replica(stores[index] as Store).load();
  const OF_DAMAGED = `WHERE mesh = 'damaged' AND purpose = 'intermediate'`;

  it.each([
    ['a key that does not open', `wrapped_key = overlay(wrapped_key PLACING '\\x00000000'::bytea FROM 40)`],
    ['a certificate that is none', `certificate_pem = 'nonsense'`],
    ['rows that are gone', `mesh = 'elsewhere'`],
  ])('REL-31 SEC-25 %s: the others hear of the roots that another replica prepares', async (_, damage) => {
    const [here, there] = [await start(0), await start(1)];
    const before = [here.authority.loaded('damaged'), here.roots('healthy')] as const;
    await database.rows('CREATE TABLE saved AS SELECT * FROM authority');
    await database.rows(`UPDATE authority SET ${damage} ${OF_DAMAGED}`);
    await there.rotation.begin('healthy', 'root');
    here.said.length = 0;
    for (let round = 0; round < 3; round++) await here.authority.refresh();
    expect([here.changed, here.roots('healthy')]).toEqual([['healthy'], (before[1] ?? 0) + 1]);
    // What it had of the other is used on, and that is said once and counted every time.
    expect(await here.authority.of('damaged')).toBe(before[0]);
    expect([here.said, here.failures, here.stale]).toEqual([[`${STALE} damaged`], 3, [1, 0]]);

    await database.rows('DELETE FROM authority');
    await database.rows('INSERT INTO authority SELECT * FROM saved');
    await database.rows('DROP TABLE saved');
    await here.authority.refresh();
    expect([here.said, here.failures, here.stale]).toEqual([[`${STALE} damaged`, `${FRESH} damaged`], 3, [0, 0]]);
    expect(here.authority.loaded('damaged')).not.toBe(before[0]);
  });

  it('REL-2 Postgres that is away is no fault of any mesh', async () => {
    const store = new MemoryStore();
    const replica = await new Replica(store).load();
    store.away = true;
    await expect(replica.authority.refresh()).rejects.toThrow(StoreUnavailable);
    expect([replica.said, replica.stale]).toEqual([[], [0, 0]]);
  });
});
