import { describe, expect, it } from 'vitest';
import type { MeshFacts } from '../ports.js';
import { goodServer, noFacts, rule } from '../testing/examples.js';
import { type Alert, assess, evolve } from './index.js';

const refusing = (...instances: string[]): MeshFacts => ({
  ...noFacts,
  refusing: instances.map((instance) => ({
    namespace: 'shop',
    workload: 'web',
    instance,
    type: 'CDS',
    name: 'x',
    message: 'no',
  })),
});

/** A mesh that is looked at every 10 s. */
class Watch {
  alerts: readonly Alert[] = [];
  now = 1_000_000;

  async look(
    facts: MeshFacts,
    rules = [rule('refusals', '{proxiesRefusing: {}, for: 0s, keepFiring: 20s}')],
  ): Promise<string[]> {
    this.now += 10_000;
    const found = await assess(
      { mesh: 'default', objectives: [], rules },
      { facts, server: goodServer, now: this.now },
      undefined,
    );
    const { alerts, events } = evolve(this.alerts, found, this.now);
    this.alerts = alerts;
    const own = events.filter(({ alert }) => alert.rule.namespace === 'shop');
    return own.map(({ state, alert }) => `${state} ${alert.value} ${alert.ending}`.trim());
  }

  get own(): Alert | undefined {
    return this.alerts.find(({ rule: { namespace } }) => namespace === 'shop');
  }
}

describe('alerts', () => {
  it('begin, are brought up to date, end, and begin anew as the same alert', async () => {
    const watch = new Watch();
    expect(await watch.look(refusing())).toEqual([]);
    expect(await watch.look(refusing('web-1'))).toEqual(['firing 1']);
    const { fingerprint, firingAt } = watch.own ?? {};
    expect(await watch.look(refusing('web-1', 'web-2'))).toEqual([]);
    expect(watch.own).toMatchObject({ value: 2, firingAt, sentence: expect.stringContaining('2 proxies') });
    expect([await watch.look(refusing()), await watch.look(refusing())]).toEqual([[], []]);
    expect(await watch.look(refusing())).toEqual(['resolved 2']);
    expect(await watch.look(refusing())).toEqual([]);
    expect(await watch.look(refusing('web-1'))).toEqual(['firing 1']);
    expect(watch.own?.fingerprint).toBe(fingerprint);
    expect(watch.own?.firingAt).toBeGreaterThan(firingAt ?? 0);
  });

  it('end when their rule is gone or switched off, and say so', async () => {
    const off = rule('refusals', '{proxiesRefusing: {}, enabled: false}');
    for (const [rules, ending] of [
      [[], 'its rule is gone'],
      [[off], 'its rule was switched off'],
    ] as const) {
      const watch = new Watch();
      await watch.look(refusing('web-1'));
      expect(await watch.look(refusing('web-1'), [...rules])).toEqual([`resolved 1 ${ending}`]);
    }
  });

  it('stay as they are while the traffic is not known', async () => {
    const watch = new Watch();
    await watch.look(refusing('web-1'));
    const traffic = rule('refusals', '{signal: {aggregate: Rate, above: 1}}');
    expect(await watch.look(refusing(), [traffic])).toEqual([]);
    expect(watch.own).toMatchObject({ state: 'firing', unknownMs: 10_000, value: 1 });
  });
});
