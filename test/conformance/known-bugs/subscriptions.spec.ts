import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SILENCE } from '../../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, listener, quiet, Rig, TYPE } from '../rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const VARIANTS = ['delta', 'sotw'] as const;

describe('subscriptions in other control planes', () => {
  it.each(VARIANTS)('BUG-6 what was left and is asked for again never came; here it comes (%s)', async (variant) => {
    rig.publish(endpoints('a'), endpoints('b'));
    const client = rig.client({ variant }).subscribe(TYPE.endpoint, ['a', 'b']);
    await client.waitFor(() => rig.state(TYPE.endpoint)?.acked.size === 2);
    for (let turn = 1; turn <= 3; turn++) {
      client.unsubscribe(TYPE.endpoint, ['a']);
      await client.waitFor(() => rig.state(TYPE.endpoint)?.acked.size === 1);
      client.subscribe(TYPE.endpoint, ['a']);
      await client.waitFor((c) => c.names(TYPE.endpoint).join() === 'a,b');
      await client.waitFor(() => rig.state(TYPE.endpoint)?.acked.size === 2);
      expect(client.responses).toHaveLength(1 + turn);
    }
  });

  it.each(VARIANTS)(
    'BUG-33 a change that was queued went out after the client had left; here not (%s)',
    async (variant) => {
      rig.publish(endpoints('a'), endpoints('b'));
      const client = rig.client({ variant, judge: () => SILENCE }).subscribe(TYPE.endpoint, ['a', 'b']);
      await client.waitFor((c) => c.responses.length === 1);
      rig.update(endpoints('a', 81), endpoints('b', 81));
      // Without a nonce, which would confirm the response that is under way.
      client.send({ type: TYPE.endpoint, ...(variant === 'delta' ? { unsubscribe: ['a'] } : { names: ['b'] }) });
      await client.waitFor(() => rig.state(TYPE.endpoint)?.subscribed.length === 1);
      client.judgeWith(() => undefined);
      const nonce = client.responses[0]?.nonce ?? '';
      client.send(variant === 'delta' ? { type: TYPE.endpoint, nonce } : { type: TYPE.endpoint, nonce, names: ['b'] });
      await client.waitFor((c) => c.versions(TYPE.endpoint).has('b'));
      await quiet();
      const next = client.responses[1]?.resources.map(({ bytes }) => Buffer.from(bytes));
      expect(next).toEqual([Buffer.from(endpoints('b', 81).bytes)]);
    },
  );

  it('BUG-17 a proxy that started after a refusal failed for good; here it gets all but what it refuses itself', async () => {
    rig.publish(listener('good'), listener('bad'), cluster('a'));
    const bad = Buffer.from(listener('bad').bytes);
    const refuses = () =>
      rig
        .client({
          judge: ({ resources }) => (resources.some(({ bytes }) => bad.equals(bytes)) ? 'bad: no' : undefined),
        })
        .subscribe(TYPE.cluster)
        .subscribe(TYPE.listener);
    const first = refuses();
    await first.waitFor((c) => c.names(TYPE.listener).join() === 'good');
    await first.waitFor(() => rig.nacks.some(({ isolated }) => isolated));
    first.disconnect();
    const [second, healthy] = [refuses(), rig.client({ node: { id: 'alice/2' } }).subscribe(TYPE.listener)];
    await second.waitFor((c) => c.names(TYPE.listener).join() === 'good' && c.names(TYPE.cluster).join() === 'a');
    await healthy.waitFor((c) => c.names(TYPE.listener).join() === 'bad,good');
    await second.waitFor(() => rig.nacks.filter(({ isolated }) => isolated).length === 2);
    expect(rig.nacks.map(({ names, message }) => `${names} ${message}`)).toContain('bad bad: no');
    expect(rig.metrics.counts.get('xds_nacks_total LDS')).toBe(rig.nacks.length);
  });

  it('BUG-21 a counter that began again came to the old version; here a restart sends what changed, and keeps the rest', async () => {
    rig.publish(endpoints('a'), endpoints('b'));
    const before = rig.client({ variant: 'sotw' }).subscribe(TYPE.endpoint, ['a', 'b']);
    await before.waitFor((c) => c.names(TYPE.endpoint).length === 2);
    const delta = rig.client().subscribe(TYPE.endpoint, ['a', 'b']);
    await delta.waitFor((c) => c.names(TYPE.endpoint).length === 2);
    const held = Object.fromEntries(delta.versions(TYPE.endpoint));
    const version = before.responses[0]?.version ?? '';
    const again = await Rig.start();
    // As many publications as the first process had made, with another content.
    again.publish(endpoints('a', 81), endpoints('b'));
    const [sotw, next] = [again.client({ variant: 'sotw' }), again.client({ service: 'eds' })];
    sotw.send({ type: TYPE.endpoint, names: ['a', 'b'], version });
    await sotw.waitFor((c) => c.responses.length === 1);
    expect(sotw.responses[0]?.version).not.toBe(version);
    next.send({ type: TYPE.endpoint, names: ['a', 'b'], initialVersions: held });
    await next.waitFor((c) => c.responses.length === 1);
    await quiet();
    expect(next.responses.map(({ resources }) => resources.map(({ name }) => name))).toEqual([['a']]);
    await again.stop();
  });
});
