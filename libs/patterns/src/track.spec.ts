import { describe, expect, it } from 'vitest';
import { type Tracked, track } from './track.js';
import type { Pattern } from './types.js';

const pattern = (more: Partial<Pattern> = {}): Pattern => ({
  name: 'bad_host',
  scope: { callees: ['shop/orders/8080'], instances: ['shop/orders/orders-2'] },
  since: 1_000_000,
  until: 1_010_000,
  ongoing: true,
  failedRequests: 10,
  failedAttempts: 20,
  shareOfScope: 1,
  shareOfAll: 1,
  confidence: 0.8,
  facts: [],
  sentence: '',
  upstream: [],
  suspects: [],
  ...more,
});

/** One evaluation every ten seconds, each with what it found. */
function run(...evaluations: readonly (readonly Pattern[])[]): Tracked[] {
  let tracked: Tracked[] = [];
  for (const [i, found] of evaluations.entries()) tracked = track(tracked, found, 1_010_000 + i * 10_000);
  return tracked;
}

const over = pattern({ ongoing: false });
const past = pattern({ ongoing: false, since: 900_000, until: 910_000 });
const renamed = pattern({ name: 'bad_version', scope: { callees: ['shop/orders/8080'], version: 'v2' } });
const p = pattern();

describe('track', () => {
  it.each([
    ['suspects what was found once', [[p]], ['suspected']],
    ['believes what was found twice', [[p], [p]], ['active']],
    ['believes at once what is sure', [[pattern({ confidence: 0.99 })]], ['active']],
    ['forgets what was found once and no more', [[p], [], []], []],
    ['bears a gap', [[p], [p], [], [], [p]], ['active']],
    ['ends what was not found three times', [[p], [p], [], [], []], ['over']],
    ['ends what is found but has stopped', [[p], [p], [over], [over], [over]], ['over']],
    ['takes up again what has ended', [[p], [p], [], [], [], [p]], ['active']],
    ['does not begin with what is long past', [[past], [past]], []],
    ['tells of what was so brief that it was over when it was found', [[over], [over]], ['over']],
    [
      'keeps two of different scopes apart',
      [[p, pattern({ scope: { callees: ['shop/users/8080'] } })]],
      ['suspected', 'suspected'],
    ],
  ] as [string, Pattern[][], string[]][])('%s', (_, evaluations, states) => {
    expect(run(...evaluations).map(({ state }) => state)).toEqual(states);
  });

  it('keeps identity and start through a new name, which must be found twice', () => {
    const [before] = run([p], [p]);
    const [between] = run([p], [p], [renamed]);
    const [after] = run([p], [p], [renamed], [renamed]);
    expect([between?.pattern.name, after?.pattern.name]).toEqual(['bad_host', 'bad_version']);
    expect(after).toMatchObject({
      id: before?.id,
      since: before?.since,
      activeAt: before?.activeAt,
      formerNames: ['bad_host'],
    });
  });

  it('takes a name that says more at once when it is sure', () => {
    const broad = pattern({ name: 'connection_reset', scope: { callees: ['shop/orders/8080'] } });
    const names = (confidence: number) =>
      run([broad], [broad], [pattern({ confidence })]).map((one) => one.pattern.name);
    expect([names(0.55), names(0.65)]).toEqual([['connection_reset'], ['bad_host']]);
  });

  it('keeps a name that fits for a while when only what is left is found', () => {
    const left = pattern({ name: 'failing_dependency', scope: { callees: ['shop/orders/8080'] } });
    const names = (times: number) =>
      run([p], [p], ...Array.from({ length: times }, () => [left])).map((one) => one.pattern.name);
    expect([names(3), names(4)]).toEqual([['bad_host'], ['failing_dependency']]);
  });

  it('keeps the name when another comes up once', () => {
    expect(run([p], [p], [renamed], [p], [renamed], [p])[0]).toMatchObject({
      pattern: { name: 'bad_host' },
      formerNames: [],
    });
  });

  it('keeps the first start when the window has moved on', () => {
    expect(run([p], [pattern({ since: 1_500_000 })])[0]?.since).toBe(1_000_000);
  });

  it('keeps what is over apart from what comes after it', () => {
    const later = pattern({ since: 1_200_000, until: 1_210_000 });
    const [first] = run([p], [p]);
    const both = track(first ? [first] : [], [later, { ...p, ongoing: false }], 1_210_000);
    expect(both.map(({ id, pattern: { since } }) => [id === first?.id, since])).toEqual([
      [true, 1_000_000],
      [false, 1_200_000],
    ]);
  });

  it('forgets what ended a quarter of an hour ago', () => {
    const [ended] = run([p], [p], [], [], []);
    expect(ended && track([ended], [], (ended.overAt ?? 0) + 900_001)).toEqual([]);
  });
});
