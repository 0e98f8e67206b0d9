import { describe, expect, it } from 'vitest';
import { SharedRoom } from './shared-room.js';

function roomFor(...names: string[]): SharedRoom {
  const room = new SharedRoom(120);
  room.isFor(names);
  return room;
}

describe('SharedRoom', () => {
  it('is all for one', () => {
    expect(roomFor('a').of('a')).toBe(120);
  });

  it('keeps a part for those that have not told yet', () => {
    const room = roomFor('a', 'b', 'c');
    expect(['a', 'b', 'c'].map((name) => room.of(name))).toEqual([40, 40, 40]);
  });

  it('gives what others leave of theirs', () => {
    const room = roomFor('a', 'b', 'c');
    room.uses('a', 10);
    room.uses('b', 20);
    expect(room.of('c')).toBe(90);
  });

  it('takes back from who has more than its part when another comes', () => {
    const room = roomFor('a');
    room.uses('a', 120);
    room.isFor(['a', 'b']);
    expect([room.of('a'), room.of('b')]).toEqual([60, 60]);
  });

  it('has the part of who is gone', () => {
    const room = roomFor('a', 'b');
    room.uses('b', 60);
    room.isFor(['a']);
    expect(room.of('a')).toBe(120);
  });
});
