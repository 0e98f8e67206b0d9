import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LiveRoom } from './live-room.js';

it('one mesh alone has three quarters of the room, and whoever comes later a part of the rest', () => {
  const room = new LiveRoom(1_000);
  const [one, other] = [room.part('m'), room.part('n')];
  expect([one.take(700), one.take(50), one.take(1)]).toEqual([true, true, false]);
  expect([other.take(125), other.take(1)]).toEqual([true, false]);
  one.giveAll();
  expect([other.take(625), one.take(1)]).toEqual([true, true]);
});

it('what is given is there for others of the mesh', () => {
  const room = new LiveRoom(1_000);
  const [bucket, next] = [room.part('m'), room.part('m')];
  expect(bucket.take(750)).toBe(true);
  expect(next.take(300)).toBe(false);
  bucket.give(300);
  expect(next.take(300)).toBe(true);
  expect([bucket.refused, next.refused, room.bytes]).toEqual([0, 1, 750]);
});

it('SEC-9 all together never take more than there is, whoever takes and gives what', () => {
  const step = fc.record({ mesh: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.nat(400), gives: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const room = new LiveRoom(1_000);
      const parts = new Map<string, ReturnType<LiveRoom['part']>>();
      for (const { mesh, bytes, gives } of steps) {
        const part = parts.get(mesh) ?? room.part(mesh);
        parts.set(mesh, part);
        if (gives) part.giveAll();
        else part.take(bytes);
        expect(room.bytes).toBeLessThanOrEqual(1_000);
      }
      for (const part of parts.values()) part.giveAll();
      expect(room.bytes).toBe(0);
    }),
  );
});
