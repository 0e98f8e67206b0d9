import { describe, expect, it } from 'vitest';
import {
  covers,
  judgeNonce,
  NO_SUBSCRIPTION,
  type Rules,
  reduceDelta,
  reduceSotw,
  type Subscription,
} from './subscription.js';

const LEGACY = { legacyWildcard: true, wildcard: true };
const NAMED = { legacyWildcard: false, wildcard: true };

/** What is subscribed, as text: `*` for the wildcard, then the names. */
const shown = (s: Subscription): string => [...(s.wildcard ? ['*'] : []), ...[...s.names].sort()].join(' ');

type Delta = readonly [subscribe: string, unsubscribe: string, subscribed: string, answer: string, dropped: string];

const list = (text: string): string[] => text.split(' ').filter((word) => word !== '');

function runDelta(rules: Rules, steps: readonly Delta[]): void {
  let state = NO_SUBSCRIPTION;
  for (const [subscribe, unsubscribe, subscribed, answer, dropped] of steps) {
    const change = reduceDelta(state, { subscribe: list(subscribe), unsubscribe: list(unsubscribe) }, rules);
    state = change.state;
    expect([shown(state), change.answer.join(' '), change.dropped.join(' ')]).toEqual([subscribed, answer, dropped]);
  }
}

describe('delta subscriptions', () => {
  it('WILD-1 WILD-4 an empty first request is everything, and stays so when names join', () =>
    runDelta(LEGACY, [
      ['', '', '*', '', ''],
      ['a', '', '* a', 'a', ''],
      ['', '*', 'a', '', ''],
      ['', 'a', '', '', 'a'],
      ['', '', '', '', ''],
    ]));

  it('WILD-6 types without the legacy rule, and gRPC, take an empty first request as nothing', () =>
    runDelta(NAMED, [
      ['', '', '', '', ''],
      ['a', '', 'a', 'a', ''],
    ]));

  it('WILD-7 WILD-8 subscribe goes before unsubscribe', () => runDelta(LEGACY, [['* a', '* a', '', '', 'a']]));

  it('DELTA-1 a name that is listed again is answered again', () =>
    runDelta(NAMED, [
      ['a b', '', 'a b', 'a b', ''],
      ['a', '', 'a b', 'a', ''],
    ]));

  it('DELTA-6 a name that leaves while the wildcard covers it is answered, and not dropped', () =>
    runDelta(LEGACY, [
      ['* a', '', '* a', 'a', ''],
      ['', 'a', '*', 'a', ''],
    ]));

  it('DELTA-7 a phantom is ignored', () =>
    runDelta(NAMED, [
      ['a', '', 'a', 'a', ''],
      ['', 'phantom', 'a', '', ''],
    ]));
});

describe('state-of-the-world subscriptions', () => {
  type Step = readonly [listed: string, subscribed: string, answer: string, dropped: string];

  it.each<[string, Rules, readonly Step[]]>([
    [
      'WILD-1 empty stays everything as long as all were empty',
      LEGACY,
      [
        ['', '*', '', ''],
        ['', '*', '', ''],
      ],
    ],
    [
      'WILD-2 WILD-3 [] [* a] [a] []',
      LEGACY,
      [
        ['', '*', '', ''],
        ['* a', '* a', 'a', ''],
        ['a', 'a', '', ''],
        ['', '', '', 'a'],
      ],
    ],
    [
      'WILD-6 empty is nothing without the legacy rule',
      NAMED,
      [
        ['', '', '', ''],
        ['a', 'a', 'a', ''],
      ],
    ],
    [
      'SOTW-6 added names are answered, dropped ones forgotten',
      NAMED,
      [
        ['a b', 'a b', 'a b', ''],
        ['b c', 'b c', 'c', 'a'],
      ],
    ],
    [
      'SOTW-7 a name that comes back is answered',
      NAMED,
      [
        ['a', 'a', 'a', ''],
        ['', '', '', 'a'],
        ['a', 'a', 'a', ''],
      ],
    ],
    [
      'an ACK repeats the list and changes nothing',
      NAMED,
      [
        ['a b', 'a b', 'a b', ''],
        ['b a', 'a b', '', ''],
      ],
    ],
  ])('%s', (_, rules, steps) => {
    let state = NO_SUBSCRIPTION;
    for (const [listed, subscribed, answer, dropped] of steps) {
      const change = reduceSotw(state, list(listed), rules);
      state = change.state;
      expect([shown(state), change.answer.join(' '), change.dropped.join(' ')]).toEqual([subscribed, answer, dropped]);
    }
  });

  it('WILD-5 the wildcard covers every name', () => {
    const { state } = reduceSotw(NO_SUBSCRIPTION, ['*', 'outside'], LEGACY);
    expect([covers(state, 'any'), covers(state, 'outside'), covers(NO_SUBSCRIPTION, 'any')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('nonces', () => {
  it.each([
    ['SOTW-3 the nonce in flight without an error is an ACK', 'n2', false, 'n2', 'n2', 'ack'],
    ['GEN-9 with an error it is a NACK', 'n2', true, 'n2', 'n2', 'nack'],
    ['SOTW-8 an older one is stale', 'n1', false, 'n2', 'n2', 'stale'],
    ['GEN-11 the last one, answered already, says nothing new', 'n2', true, '', 'n2', 'none'],
    ['a spontaneous request has none', '', false, 'n2', 'n2', 'none'],
    ['GEN-5 one of an old stream, with nothing sent yet, is stale', 'old', false, '', '', 'stale'],
  ] as const)('%s', (_, nonce, refused, inFlight, last, verdict) => {
    expect(judgeNonce(nonce, refused, inFlight, last)).toBe(verdict);
  });
});
