import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Invariants } from './rig/check.js';
import { buildPrevious, PREVIOUS, previousIsKnown } from './rig/previous-build.js';
import { Rig } from './rig/rig.js';
import { until } from './rig/until.js';

const isKnown = previousIsKnown();
if (!isKnown) console.warn(`REL-14 is skipped: commit ${PREVIOUS} is not in this clone; fetch the whole history`);

describe.skipIf(!isKnown)(
  'a rolling upgrade: a replica of the previous build, then one of this build beside it',
  () => {
    let rig: Rig;
    let invariants: Invariants;

    beforeAll(async () => {
      const previous = buildPrevious();
      // The first is the old one, and it has been running when the new one brings the schema up to date.
      rig = await Rig.start({ build: (index) => (index === 0 ? previous : undefined) });
      invariants = new Invariants(rig);
    });
    afterAll(() => rig?.stop());

    it('REL-14 both serve the same: a proxy that moves between them is sent nothing, and both take writes', async () => {
      await invariants.check();
      const before = await rig.told();
      for (let move = 0; move < 4; move++) {
        const [to, other] = [rig.replica(move % 2), rig.replica(1 - (move % 2))];
        for (const member of rig.members) member.moveTo(to, other);
        await until(
          'all streams have moved',
          30_000,
          async () => (await rig.metric(to, 'xds_streams')) === rig.members.length,
        );
      }
      expect(await rig.told()).toEqual(before);
      for (let n = 0; n < 10; n++) {
        const { write, answer } = await rig.writer.write(rig.replica(n % 2));
        expect(answer.status).toBe(200);
        await rig.prober.sees(write, 30_000);
      }
      await invariants.check();
    });

    it('REL-14 the old one may be started again as long as the schema is its own; else it says which build is needed', async () => {
      const old = rig.replica(0);
      await old.kill();
      await rig.prober.more(50);
      old.launch();
      const migrations = await rig.server.rows<{ name: string }>('SELECT name FROM migrations');
      if (migrations.length > MIGRATIONS_OF_PREVIOUS) {
        expect(await old.ended()).toBe(4);
        expect(old.log()).toMatch(/it was upgraded by a newer build; start that one/);
      } else {
        await old.ready();
      }
      await invariants.check();
    });
  },
);

/** Schema versions that the previous build knows. */
const MIGRATIONS_OF_PREVIOUS = 13;

describe('replicas that start at once on an empty database', () => {
  it('REL-47 one of them killed in the middle: the others come up, with one schema and one mesh', async () => {
    const rig = await Rig.bare();
    try {
      const all = await Promise.all(['a', 'b', 'c'].map((name) => rig.addReplica(name)));
      for (const replica of all) replica.launch();
      const [victim] = all;
      await until('the schema is being made', 60_000, async () => {
        const rows = await rig.server.rows(
          `SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'heddle-migrate%'`,
        );
        return rows.length > 0;
      });
      await victim?.kill();
      await Promise.all(all.slice(1).map((replica) => replica.ready()));
      await victim?.start();
      const [row] = await rig.server.rows<{ meshes: string; migrations: string; distinct: string }>(
        `SELECT (SELECT count(*) FROM resource) AS meshes, count(*) AS migrations, count(DISTINCT name) AS distinct FROM migrations`,
      );
      expect([row?.meshes, row?.migrations]).toEqual(['1', row?.distinct]);
    } finally {
      await rig.stop();
    }
  });
});
