import { describe, expect, it } from 'vitest';
import type { StagedChange, StagedOptions } from '#libs/store';
import { type Circumstances, decide } from './decide.js';
import type { Evidence, HostEvidence, Traffic } from './evidence.js';

const OPTIONS: StagedOptions = {
  ...{ waves: [5, 50], observeMs: 10_000, ackMs: 60_000, confirmMs: 0, tolerated: 0 },
  revertOn: ['nack', 'failures', 'disconnect'],
};
const change = (fields: Partial<StagedChange> = {}, options: Partial<StagedOptions> = {}): StagedChange => ({
  ...{ id: 's-1', mesh: 'default', state: 'canary', wave: 0, members: [], items: [], message: '', reason: '' },
  ...{ reverts: undefined, appliedRevision: undefined, confirmLeftMs: undefined, revision: 7, stepAgeMs: 20_000 },
  ...{ createdAt: '', stepAt: '', actor: { name: 'ann', role: '', ip: '', requestId: '' } },
  options: { ...OPTIONS, ...options },
  ...fields,
});
const host = (fields: Partial<HostEvidence> = {}): HostEvidence => ({
  ...{ given: 2, behind: [], refused: [], disconnected: [], traffic: {} },
  ...fields,
});
const evidence = (hosts: Record<string, HostEvidence>, fields: Partial<Evidence> = {}): Evidence => ({
  ...{ published: true, settledMs: 60_000, hosts, others: {} },
  ...fields,
});
const around = (
  seen: readonly Evidence[] = [evidence({ h1: host(), h2: host() })],
  fields: Partial<Circumstances> = {},
): Circumstances => ({
  ...{ openBefore: undefined, isTightening: false, replicas: seen.map((_, i) => `r${i}`) },
  evidence: new Map(seen.map((one, i) => [`r${i}`, one])),
  ...fields,
});
const refused = host({ refused: [{ proxy: 'shop/web-1', type: 'Listener', name: 'outbound', message: 'no' }] });
const traffic = (now: [number, number], before: [number, number] = [1_000, 0]): Record<string, Traffic> => ({
  outbound: { requests: now[0], failures: now[1], requestsBefore: before[0], failuresBefore: before[1] },
});
const failing = host({ traffic: traffic([100, 50]) });
const gone = host({ disconnected: ['shop/web-1'] });

describe('a canary', () => {
  it.each([
    ['goes on to the next wave when all have it and it was watched', change(), around(), { do: 'widen', wave: 1 }],
    ['is promoted after the last wave', change({ wave: 1 }), around(), { do: 'promote' }],
    [
      'is watched for its time after the last ACK',
      change(),
      around([evidence({ h1: host() }, { settledMs: 4_000 })]),
      { do: 'wait', why: 'observed for another 6 s' },
    ],
    [
      'waits for every replica',
      change(),
      around([evidence({ h1: host() })], { replicas: ['r0', 'r9'] }),
      { do: 'wait', why: 'not every replica serves it yet' },
    ],
    [
      'waits for who is behind, by name',
      change(),
      around([evidence({ h1: host({ behind: ['shop/web-1'] }), h2: host() })]),
      { do: 'wait', why: 'one proxy is behind: shop/web-1' },
    ],
    [
      'is held when that takes too long',
      change({ stepAgeMs: 61_000 }),
      around([evidence({ h1: host({ behind: ['shop/web-1'] }), h2: host() })]),
      { do: 'hold', reason: 'one proxy is behind: shop/web-1' },
    ],
    [
      "is taken back when two hosts refuse it, with Envoy's words",
      change(),
      around([evidence({ h1: refused }), evidence({ h2: refused })]),
      { do: 'revert', reason: 'refused on h1, h2: Listener outbound: no' },
    ],
    [
      'is not stopped by one host that refuses: it has no veto',
      change(),
      around([evidence({ h1: { ...refused, behind: ['shop/web-1'] }, h2: host() })]),
      { do: 'widen', wave: 1 },
    ],
    [
      'is held when the only host that there is refuses it',
      change(),
      around([evidence({ h1: refused })]),
      { do: 'hold', reason: 'refused on h1: Listener outbound: no' },
    ],
    [
      'is held, not taken back, when refusals are none of its reasons',
      change({}, { revertOn: ['failures'] }),
      around([evidence({ h1: refused, h2: refused })]),
      { do: 'hold', reason: 'refused on h1, h2: Listener outbound: no' },
    ],
    [
      'is held, not taken back, when it tightens security',
      change(),
      around([evidence({ h1: refused, h2: refused })], { isTightening: true }),
      { do: 'hold', reason: 'refused on h1, h2: Listener outbound: no' },
    ],
    [
      'goes on when fewer refuse it than are tolerated',
      change({}, { tolerated: 60 }),
      around([evidence({ h1: refused, h2: refused })]),
      { do: 'widen', wave: 1 },
    ],
    [
      'is taken back when failures rise on two hosts',
      change(),
      around([evidence({ h1: failing, h2: failing })]),
      { do: 'revert', reason: 'failures rose on h1, h2: 50 % of 100 requests failed (outbound), 0 % before' },
    ],
    [
      'goes on when others fail as much at the same time',
      change(),
      around([evidence({ h1: failing, h2: failing }, { others: traffic([100, 48]) })]),
      { do: 'widen', wave: 1 },
    ],
    [
      'goes on when it was no better before',
      change(),
      around([evidence({ h1: host({ traffic: traffic([100, 50], [100, 47]) }), h2: host() })]),
      { do: 'widen', wave: 1 },
    ],
    [
      'goes on after a hiccup',
      change(),
      around([evidence({ h1: host({ traffic: traffic([9, 9]) }), h2: host({ traffic: traffic([100, 4]) }) })]),
      { do: 'widen', wave: 1 },
    ],
    [
      'is taken back when proxies of two hosts die',
      change(),
      around([evidence({ h1: gone, h2: gone })]),
      { do: 'revert', reason: 'proxies on h1, h2 died within 10 s of being given it' },
    ],
    [
      'waits for its proxies to be there',
      change(),
      around([evidence({})]),
      { do: 'wait', why: 'none of its proxies is connected' },
    ],
    ['that is held waits for somebody', change({ state: 'held', reason: 'x' }), around(), { do: 'wait', why: 'x' }],
  ] as const)('%s', (_what, staged, circumstances, expected) => {
    expect(decide(staged, circumstances)).toEqual(expected);
  });
});

describe('a change that everybody has', () => {
  const watched = (fields: Partial<StagedChange> = {}) => change({ state: 'watched', appliedRevision: 7, ...fields });

  it.each([
    ['is done when all have it', watched(), around(), { do: 'finish', reason: '' }],
    [
      'waits to be confirmed',
      watched({ confirmLeftMs: 5_500 }),
      around(),
      { do: 'wait', why: 'to be confirmed within 6 s' },
    ],
    [
      'is taken back when nobody did, also when no replica can be heard',
      watched({ confirmLeftMs: -1 }),
      around([]),
      { do: 'revert', reason: 'nobody confirmed it within 0 s' },
    ],
    [
      'is taken back before, when two hosts refuse it',
      watched({ confirmLeftMs: 5_500 }),
      around([evidence({ h1: refused, h2: refused })]),
      { do: 'revert', reason: 'refused on h1, h2: Listener outbound: no' },
    ],
    [
      'is done late, and says who is behind',
      watched({ stepAgeMs: 61_000 }),
      around([evidence({ h1: host({ behind: ['shop/web-1'] }) })]),
      { do: 'finish', reason: 'one proxy is behind: shop/web-1' },
    ],
  ] as const)('%s', (_what, staged, circumstances, expected) => {
    expect(decide(staged, circumstances)).toEqual(expected);
  });
});

describe('a queued change', () => {
  it('is opened when the one before it is over', () => {
    const queued = change({ state: 'queued' });
    expect(decide(queued, around([], { openBefore: 's-0' }))).toEqual({ do: 'wait', why: 's-0 is open' });
    expect(decide(queued, around([]))).toEqual({ do: 'open' });
  });
});
