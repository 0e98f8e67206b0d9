import { describe, expect, it } from 'vitest';
import type { KnownProgress, ReplicaProgress } from '#libs/store';
import { sumDelivery } from './sum.js';

/** `2/3!`: two of three have it, and one refuses it. `pending`: it has not come to the change. `(…)`: not alive. */
function known(replica: string, text: string): KnownProgress {
  const alive = !text.startsWith('(');
  const match = /(\d+)\/(\d+)(!*)/.exec(text);
  return { change: 7, replica, alive, progress: match ? progress(replica, match) : undefined };
}

function progress(replica: string, [, acked, total, refusals = '']: RegExpExecArray): ReplicaProgress {
  const refusing = refusals.length;
  const late = Number(total) - Number(acked) - refusing;
  return {
    ...{ replica, total: Number(total), acked: Number(acked), refusing, elapsedMs: Number(acked) },
    refused: Array.from({ length: refusing }, (_, i) => ({
      proxy: `${replica}-r${i}`,
      type: 'LDS',
      name: 'l',
      message: 'no',
    })),
    behind: Array.from({ length: late }, (_, i) => ({ proxy: `${replica}-${i}`, sinceMs: 11_000 })),
  };
}

const told = (...parts: readonly string[]) => parts.map((text, i) => known('abc'[i] ?? '', text));

describe('the delivery of a change over all replicas', () => {
  it.each([
    ['all have it', ['60/60', '58/58'], 'Delivered 118/118'],
    ['nobody had anything to receive', ['0/0', '0/0'], 'Delivered 0/0'],
    ['one has not answered', ['60/60', '57/58'], 'Delivering 117/118'],
    ['a replica has not come to it', ['60/60', 'pending'], 'Delivering 60/60'],
    ['one refuses it, and all have answered', ['60/60', '57/58!'], 'Refused 117/118!'],
    ['one refuses it, and another has not answered', ['59/60', '57/58!'], 'Delivering 116/118!'],
    ['a replica is gone: who was behind there has gone elsewhere', ['60/60', '(30/58)'], 'Delivered 90/90'],
    ['a replica is gone, and knew of a refusal', ['60/60', '(30/58!)'], 'Refused 90/91!'],
    ['a replica is gone that had not come to it', ['60/60', '(pending)'], 'Delivered 60/60'],
    ['all replicas are gone, after they had delivered it', ['(60/60)'], 'Delivered 60/60'],
    ['no replica is alive, and nobody had it', ['(0/0)'], 'Unserved 0/0'],
    ['no replica at all', [], 'Unserved 0/0'],
  ])('%s', (_, parts, expected) => {
    const { state, acked, total, refusing } = sumDelivery(told(...parts), undefined);
    expect(`${state} ${acked}/${total}${'!'.repeat(refusing)}`).toBe(expected);
  });

  it('takes what this replica counts instead of what it has written', () => {
    const here = known('b', '58/58').progress;
    expect(sumDelivery(told('60/60', '1/58'), here)).toMatchObject({ state: 'Delivered', acked: 118, elapsedMs: 60 });
    expect(sumDelivery(told('60/60', 'pending'), here)).toMatchObject({ state: 'Delivered', acked: 118 });
  });

  it('keeps what an earlier process of this replica has reported: this one has loaded the change, and seen nobody', () => {
    const here = { ...progress('b', /(\d)\/(\d)/.exec('0/2') as RegExpExecArray), loaded: true };
    expect(sumDelivery(told('60/60', '58/58'), here)).toMatchObject({ state: 'Delivered', acked: 118, total: 118 });
    expect(sumDelivery(told('60/60', '1/58'), here)).toMatchObject({ state: 'Delivering', acked: 60, total: 62 });
  });

  it('names who is behind and who refuses of every replica, and what each has come to', () => {
    expect(sumDelivery(told('0/1', '0/1!', '(0/1)', 'pending'), undefined)).toMatchObject({
      behind: [{ proxy: 'a-0', sinceMs: 11_000 }],
      refused: [{ proxy: 'b-r0', message: 'no' }],
      replicas: [
        { replica: 'a', total: 1, acked: 0, pending: false, stale: false },
        { replica: 'b', total: 1, pending: false },
        { replica: 'c', total: 0, stale: true },
        { replica: '', pending: true, stale: false },
      ],
    });
  });
});
