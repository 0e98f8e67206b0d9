import { eachMessage, NOTIFICATION, type Random, seeded } from '../../../libs/testing/src/faults/index.js';
import { Invariants } from './check.js';
import type { Member } from './member.js';
import type { Replica } from './replica.js';
import type { Rig } from './rig.js';
import { sleep, until } from './until.js';

/** Injects one fault, keeps it for a while, and ends it. What it leaves healed is checked afterwards. */
type Fault = (rig: Rig, random: Random) => Promise<void>;

const one = <T>(list: readonly T[], random: Random): T => {
  const found = list[random(list.length)];
  if (found === undefined) throw new Error('there is nothing to choose from');
  return found;
};
const aReplica = (rig: Rig, random: Random): Replica => one(rig.replicas, random);
const aMember = (rig: Rig, random: Random): Member => one(rig.members, random);
/** Half a second to some seconds: long enough for streams to move and polls to fail. */
const aWhile = (random: Random, ms = 4_000): Promise<void> => sleep(500 + random(ms));

const FAULTS: Readonly<Record<string, Fault>> = {
  async 'REL-13 a replica is killed'(rig, random) {
    const victim = aReplica(rig, random);
    await victim.kill();
    await aWhile(random);
    await victim.start();
  },
  async 'REL-12 all replicas are killed'(rig, random) {
    await Promise.all(rig.replicas.map((replica) => replica.kill()));
    await aWhile(random, 2_000);
    await Promise.all(rig.replicas.map((replica) => replica.start()));
  },
  async 'REL-48 a replica stands still'(rig, random) {
    const victim = aReplica(rig, random);
    victim.freeze();
    await aWhile(random, 8_000);
    victim.thaw();
  },
  async 'REL-1 Postgres is killed'(rig, random) {
    await rig.server.kill();
    await aWhile(random);
    await rig.server.restart();
  },
  async 'REL-2 Postgres is away, and proxies reconnect'(rig, random) {
    await rig.server.stop();
    await aWhile(random, 2_000);
    for (const { wire } of rig.members) wire.cut();
    await aWhile(random);
    await rig.server.restart();
  },
  async 'REL-6 listening connections end'(rig) {
    for (const pid of await rig.server.backends('heddle-feed')) process.kill(pid, 'SIGTERM');
  },
  async 'REL-7 listening connections fall silent'(rig, random) {
    const pids = await rig.server.backends('heddle-feed');
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await aWhile(random, 8_000);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  },
  async 'REL-1 a backend is killed'(rig, random) {
    const name = aReplica(rig, random).name;
    for (const pid of (await rig.server.backends(`heddle-${name}`)).slice(0, 1)) process.kill(pid, 'SIGKILL');
  },
  async 'REL-8 notifications are lost or doubled'(rig, random) {
    const times = random(2) * 2;
    const replica = aReplica(rig, random);
    replica.database.rewriteWith(() => eachMessage((type) => (type === NOTIFICATION ? times : 1)));
    replica.database.cut();
    await aWhile(random);
    replica.database.heal();
    replica.database.cut();
  },
  async 'REL-19 a replica does not see Postgres'(rig, random) {
    const replica = aReplica(rig, random);
    replica.database.set(one(['silent', 'refused', 'silent-to-target', 'silent-from-target'] as const, random));
    await aWhile(random, 8_000);
    replica.database.heal();
  },
  async 'connections to Postgres are half open'(rig, random) {
    aReplica(rig, random).database.halfOpen();
  },
  async 'the way to Postgres is slow'(rig, random) {
    for (const replica of rig.replicas) replica.database.delay(20 + random(150));
    await aWhile(random);
  },
  async 'REL-37 the revision row is held'(rig, random) {
    const holder = await rig.server.session();
    await holder.query(`BEGIN; UPDATE stream SET revision = revision WHERE stream = 'config'`);
    await aWhile(random);
    await holder.end();
  },
  async 'REL-11 proxies move'(rig, random) {
    for (const member of rig.members) {
      const first = random(rig.replicas.length);
      member.moveTo(...rig.replicas.map((_, n) => rig.replica((first + n) % rig.replicas.length)));
    }
  },
  async 'a proxy does not hear its replica'(rig, random) {
    aMember(rig, random).wire.set(
      one(['silent', 'refused', 'silent-to-target', 'silent-from-target'] as const, random),
    );
    await aWhile(random, 8_000);
  },
  async 'a stream is half open'(rig, random) {
    aMember(rig, random).wire.halfOpen();
  },
  async 'REL-42 many writes at once'(rig, random) {
    await Promise.all(
      Array.from({ length: 20 + random(60) }, (_, n) => rig.writer.write(rig.replica(n % rig.replicas.length))),
    );
  },
  async 'services come and go'(rig, random) {
    const name = `brief-${random(1_000_000)}`;
    await rig.writer.put(name);
    await rig.writer.remove(name);
  },
};

export interface NemesisReport {
  readonly seed: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly sequence: readonly string[];
  readonly requests: number;
  readonly denied: number;
  readonly writes: number;
  readonly acknowledged: number;
  readonly residentMb: readonly number[];
  /** What did not hold; undefined = everything did. */
  readonly violation: string | undefined;
}

/**
 * Faults in a random order, each while writes and requests go on, and after each the invariants. Two at once now and then.
 * @param goOn asked before each; stops when it says no, or at the first violation
 */
export async function nemesis(rig: Rig, seed: number, goOn: (done: number) => boolean): Promise<NemesisReport> {
  const random = seeded(seed);
  const invariants = new Invariants(rig);
  const names = Object.keys(FAULTS);
  const faults = new Map<string, number>();
  const sequence: string[] = [];
  let violation: string | undefined;
  try {
    while (goOn(sequence.length)) {
      const name = one(names, random);
      sequence.push(name);
      faults.set(name, (faults.get(name) ?? 0) + 1);
      rig.writer.begin(150);
      await FAULTS[name]?.(rig, random);
      rig.heal();
      await rig.writer.end();
      await until('every replica takes writes again', 90_000, async () => {
        const ready = await Promise.all(rig.replicas.map((replica) => replica.answersReady('/readyz/api')));
        return ready.every(Boolean);
      });
      await invariants.check();
    }
  } catch (error) {
    violation = error instanceof Error ? error.message : String(error);
  }
  const { sent } = rig.writer;
  return {
    seed,
    faults,
    sequence,
    requests: rig.prober.total,
    denied: rig.prober.denied,
    writes: sent.length,
    acknowledged: sent.filter(({ outcome }) => outcome === 'acknowledged').length,
    residentMb: rig.replicas.map((replica) => Math.round(replica.residentMb())),
    violation,
  };
}
