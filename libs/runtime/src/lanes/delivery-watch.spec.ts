import { describe, expect, it } from 'vitest';
import type { NackInfo, StreamInfo } from '#libs/xds';
import { DeliveryWatch, SOON_MS } from './delivery-watch.js';

const stream = (id: number, name: string): StreamInfo =>
  ({ id, node: { id: `default/shop/web/${name}` } }) as unknown as StreamInfo;
const nack = (fields: Partial<NackInfo> = {}): NackInfo => ({
  ...{ type: 'type.googleapis.com/envoy.config.cluster.v3.Cluster', names: ['a'], nonce: '', version: '' },
  ...{ message: 'no', isolated: true, change: 7 },
  ...fields,
});
const [web1, web2] = [stream(1, 'web-1'), stream(2, 'web-2')];
const everybody = (): boolean => true;
const watch = () =>
  new DeliveryWatch(
    7,
    1_000,
    new Map([web1, web2].map(({ id, node }) => [id, node.id])),
    (_type, name) => name === 'a',
  );

describe('what becomes of a publication', () => {
  it('is settled when the last of those that are asked about has it', () => {
    const seen = watch();
    seen.caughtUp(1, 6, 1_100); // an earlier one
    seen.caughtUp(1, 7, 1_200);
    expect([...seen.behind]).toEqual([web2.node.id]);
    expect(seen.settledAt(everybody)).toBeUndefined();
    expect(seen.settledAt((node) => node === web1.node.id)).toBe(1_200);
    seen.closed(web2, 1_300, true);
    expect(seen.settledAt(everybody)).toBe(1_300);
  });

  it('is refused by who refuses what is of it, alone, and since', () => {
    const seen = watch();
    for (const other of [{ isolated: false }, { change: 6 }, { names: ['b'] }]) seen.nacked(web1, nack(other));
    expect([...seen.refused]).toEqual([]);
    seen.nacked(web1, nack());
    seen.nacked(web1, nack({ message: 'no, again' }));
    expect([...seen.refused]).toEqual([{ proxy: web1.node.id, type: 'CDS', name: 'a', message: 'no, again' }]);
  });

  it.each([
    ['comes back without anything it held, has died', { after: 5_000, ours: false, resumed: false }, 1],
    ['names what it holds, was only cut off', { after: 5_000, ours: false, resumed: true }, 0],
    ['was ended by us, says nothing', { after: 5_000, ours: true, resumed: false }, 0],
    ['went away much later, did so for another reason', { after: SOON_MS + 1, ours: false, resumed: false }, 0],
  ])('who %s', (_what, { after, ours, resumed }, deaths) => {
    const seen = watch();
    seen.closed(web1, 1_000 + after, ours);
    expect(seen.disconnected.size).toBe(0);
    seen.began(stream(3, 'web-1'), resumed);
    seen.began(stream(4, 'web-1'), false); // once is once
    expect(seen.disconnected.size).toBe(deaths);
  });
});
