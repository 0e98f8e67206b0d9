import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { until } from './rig/until.js';
import { isDone, service } from './rig/writer.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('REL-34 is skipped: a small file system can be mounted as root only');

describe.skipIf(!isRoot)('a Postgres on a small disk', () => {
  let disk: string;
  let rig: Rig;
  let invariants: Invariants;

  beforeAll(async () => {
    disk = mkdtempSync(join(tmpdir(), 'heddle-disk-'));
    chmodSync(disk, 0o711);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=140m,mode=0711', 'heddle-faults', disk]);
    const postgres = { min_wal_size: '32MB', max_wal_size: '48MB', max_connections: '40' };
    rig = await Rig.start({ databaseDir: join(disk, 'postgres'), postgres });
    invariants = new Invariants(rig);
    await invariants.check();
  });
  afterAll(async () => {
    await rig?.stop();
    execFileSync('umount', ['-l', disk]);
    rmdirSync(disk);
  });

  const ballast = (): string => join(disk, 'ballast');
  const fill = (): void => {
    const file = openSync(ballast(), 'w');
    const block = Buffer.alloc(64 * 1024, 1);
    try {
      for (;;) writeSync(file, block);
    } catch {
      // full, as it should be
    } finally {
      closeSync(file);
    }
    expect(statfsSync(disk).bavail).toBeLessThan(16);
  };
  /** A write that needs room: nothing in it compresses. */
  const large = (n: number): unknown => {
    const document = service(`large-${n}`) as { metadata: Record<string, unknown> };
    document.metadata['annotations'] = { 'heddle.dev/noise': randomBytes(60_000).toString('base64') };
    return document;
  };

  it('REL-34 that is full: 503 for writes, proxies keep what they have, and it goes on by itself when there is room', async () => {
    const before = await Promise.all(rig.members.map((member) => member.updates()));
    fill();
    let full = { status: 0, text: '', retryAfter: 0 };
    // Segments of the log that exist already are used up first.
    for (let n = 0; n < 2_000 && full.status !== 503; n++) {
      const answer = await rig.writer.attempt(
        rig.replica(n % 2),
        `services/large-${n % 3}`,
        large(n % 3),
        `large-${n}`,
      );
      expect(isDone(answer) || answer.status === 503).toBe(true);
      if (!isDone(answer)) full = answer;
    }
    expect([full.status, full.retryAfter > 0]).toEqual([503, true]);
    await rig.prober.more(200);
    expect((await Promise.all(rig.members.map((member) => member.updates()))).map(removals)).toEqual(
      before.map(removals),
    );
    rmSync(ballast());
    // A full log ends the server: whoever looks after it starts it again.
    if (!rig.server.alive) await rig.server.restart();
    await until('both take writes', 60_000, async () => {
      const ready = await Promise.all(rig.replicas.map((replica) => replica.answersReady('/readyz/api')));
      return ready.every(Boolean);
    });
    await invariants.check();
  });

  const removals = (updates: ReadonlyMap<string, number>): unknown[] =>
    [...updates].filter(([name]) => /removed|rejected/.test(name));
});
