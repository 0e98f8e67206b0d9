import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';

describe('two replicas', () => {
  let rig: Rig;
  let invariants: Invariants;
  beforeAll(async () => {
    const begun = performance.now();
    rig = await Rig.start();
    invariants = new Invariants(rig);
    console.log('start', performance.now() - begun);
  });
  afterAll(() => rig?.stop());

  it('work', async () => {
    const begun = performance.now();
    await rig.prober.more(50);
    await invariants.check();
    console.log('check', performance.now() - begun, rig.prober.total);
    console.log(await rig.member(0).updates());
    expect(rig.prober.failures).toEqual([]);
  });
});
