import { cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nemesis } from './rig/nemesis.js';
import { Rig } from './rig/rig.js';

// npm run test:faults -- --minutes 5 --seed 1: a mesh of three replicas and three Envoys, and faults in a random order.
// The seed, and on a violation the sequence, are what it takes to see the same again.

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: `${Date.now() % 1e9}` },
    replicas: { type: 'string', default: '3' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const seed = Number(values.seed);
say(`seed ${seed}`);
const rig = await Rig.start({ replicas: Number(values.replicas), backs: 2 });
const begun = performance.now();
const end = begun + Number(values.minutes) * 60_000;
const report = await nemesis(rig, seed, (done) => {
  if (done > 0)
    say(
      `${((performance.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${done} faults, ${rig.prober.total} requests`,
    );
  return performance.now() < end;
});
const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
say('');
say(
  '| minutes | seed | replicas | faults | requests | failed | denied | let through | writes | acknowledged | resident MB |',
);
say('|---|---|---|---|---|---|---|---|---|---|---|');
const { failures, leaks } = rig.prober;
say(
  `| ${[minutes, seed, rig.replicas.length, report.sequence.length, report.requests, failures.length, report.denied, leaks.length, report.writes, report.acknowledged, report.residentMb.join(', ')].join(' | ')} |`,
);
say('');
for (const [name, count] of [...report.faults].sort()) say(`${String(count).padStart(4)}  ${name}`);
if (report.violation !== undefined) {
  const kept = join(tmpdir(), `heddle-faults-${seed}`);
  cpSync(rig.dir, kept, { recursive: true, filter: (path) => !/postgres|key$|token|admin/.test(path) });
  say(`\nVIOLATION with seed ${seed}\n${report.violation}\nsequence: ${report.sequence.join(' -> ')}\nlogs: ${kept}`);
}
await rig.stop();
process.exit(report.violation === undefined ? 0 : 1);
