import { describe, expect, it } from 'vitest';
import type { PatternsView } from '#libs/api';
import { renderPatterns } from './patterns.render.js';

const times = { from: '2026-11-23T13:00:00.000Z', to: '2026-11-23T14:00:00.000Z' };
const pattern: PatternsView['items'][number] = {
  ...{ id: 'p1', name: 'bad_host', state: 'active', begun: '2026-11-23T13:40:00.000Z' },
  ...{ scope: { callees: ['shop/orders/8080'], instances: ['shop/orders/orders-2'] }, upstream: ['shop/web/80'] },
  ...{ since: 0, until: 1, ongoing: true, failedRequests: 41.4, failedAttempts: 80, shareOfScope: 1, shareOfAll: 0.97 },
  ...{ confidence: 0.99, facts: [], formerNames: [], hiddenSuspects: 0 },
  sentence: 'orders-2 fails 43 % of its attempts,\u001b[31m its siblings 0.1 %',
  suspects: [
    {
      ...{ kind: 'change', id: 'c-12', title: 'more retries (ann)', at: 0, score: 0.8, reversible: true, events: [] },
      why: 'it came 12 s before and touches orders',
    },
    {
      ...{ kind: 'rotation', id: 'x', title: 'a rotation', at: 0, score: 0.01, reversible: false, events: [] },
      why: '',
    },
  ],
};

describe('heddle patterns', () => {
  it('says what goes on, since when, why it is thought so, and how to take the suspect back', () => {
    expect(renderPatterns({ ...times, hidden: 0, items: [pattern] })).toBe(
      [
        '● bad host  since 2026-11-23T13:40:00.000Z',
        '  orders-2 fails 43 % of its attempts, [31m its siblings 0.1 %',
        '  41 requests failed by it, 97 % of all failures; confidence 99 %',
        '  so shop/web/80 fail too',
        '  suspect 80 %: more retries (ann): it came 12 s before and touches orders',
        '      heddle rollback c-12   shows its reversal, and asks',
      ].join('\n'),
    );
  });

  it('lists what is over last, and says what is hidden', () => {
    const over = { ...pattern, id: 'p0', state: 'over' as const, ended: '2026-11-23T13:50:00.000Z' };
    const text = renderPatterns({ ...times, hidden: 2, items: [over, pattern] });
    expect(text.indexOf('●')).toBeLessThan(text.indexOf('○'));
    expect(text).toContain('from 2026-11-23T13:40:00.000Z to 2026-11-23T13:50:00.000Z');
    expect(text).toContain('and 2 more that you may not see');
  });

  it('says so when there is nothing', () => {
    expect(renderPatterns({ ...times, hidden: 0, items: [] })).toMatch(/no pattern/);
  });
});
