import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nemesis } from './rig/nemesis.js';
import { Rig } from './rig/rig.js';

/** `npm run test:faults` goes on for as long as one likes, with another seed each time. */
const [SEED, FAULTS] = [20, 6];

describe('three replicas and faults in a random order', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.start({ replicas: 3, backs: 2 });
  });
  afterAll(() => rig?.stop());

  it(`the invariants hold after each of the first ${FAULTS} faults of seed ${SEED}`, async () => {
    const report = await nemesis(rig, SEED, (done) => done < FAULTS);
    expect([report.violation, report.sequence.length, rig.prober.failures]).toEqual([undefined, FAULTS, []]);
  });
});
