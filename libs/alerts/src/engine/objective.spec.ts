import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFailure, type Outcome } from '#libs/telemetry';
import { CellSignals, type Recorded } from '../testing/cell-signals.js';
import { edge, goodServer, noFacts, objective } from '../testing/examples.js';
import { assess, type MeshAssessment } from './assess.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = 100 * DAY;

const available = objective(
  'available',
  '{targetRef: {kind: Service, name: orders}, objective: 99.9, availability: {}}',
);
const fast = objective(
  'fast',
  '{targetRef: {kind: Service, name: orders}, objective: 95, latency: {threshold: 300ms}}',
);

/** 1,000 requests a minute for so long, ending so long ago, of which this percentage fails. */
function span(fromMs: number, toMs: number, failing: number, ms = 10): Recorded['edges'] {
  const cells = [];
  const step = fromMs - toMs > 6 * HOUR ? 10 * MINUTE : MINUTE;
  for (let at = NOW - fromMs; at < NOW - toMs; at += step) {
    const requests = (1_000 * step) / MINUTE;
    cells.push(edge({ at, lengthMs: step, requests: requests * (1 - failing / 100), ms }));
    if (failing > 0) cells.push(edge({ at, lengthMs: step, outcome: 'error', requests: (requests * failing) / 100 }));
  }
  return cells;
}

const recorded = (edges: Recorded['edges'], missing: Recorded['missing'] = []): Recorded => ({
  edges,
  instances: [],
  missing,
});

async function look(slo: typeof available, cells: Recorded): Promise<MeshAssessment> {
  const known = { facts: noFacts, server: goodServer, now: NOW };
  return assess({ mesh: 'default', objectives: [slo], rules: [] }, known, new CellSignals(cells));
}

async function verdicts(slo: typeof available, cells: Recorded): Promise<Record<string, string>> {
  const [first] = (await look(slo, cells)).assessments;
  return Object.fromEntries((first?.samples ?? []).map(({ labels, verdict }) => [labels['severity'] ?? '', verdict]));
}

describe('burn rates of the SRE workbook', () => {
  it('the standard windows', () => {
    expect(
      available.windows.map(({ longMs, shortMs, burnRate, severity }) => [
        longMs / HOUR,
        shortMs / MINUTE,
        burnRate,
        severity,
      ]),
    ).toEqual([
      [1, 5, 14.4, 'critical'],
      [6, 30, 6, 'critical'],
      [72, 360, 1, 'warning'],
    ]);
  });

  it.each([
    ['nothing fails', span(3 * DAY, 0, 0), 'over', 'over'],
    ['an hour at 1.5 %: above 14.4', [...span(3 * DAY, HOUR, 0), ...span(HOUR, 0, 1.5)], 'holds', 'over'],
    ['an hour at 1.4 %: below it', [...span(3 * DAY, HOUR, 0), ...span(HOUR, 0, 1.4)], 'over', 'over'],
    ['six hours at 0.7 %: above 6', [...span(3 * DAY, 6 * HOUR, 0), ...span(6 * HOUR, 0, 0.7)], 'holds', 'over'],
    ['three days at 0.11 %: above 1', span(3 * DAY, 0, 0.11), 'over', 'holds'],
    ['three days at 0.09 %', span(3 * DAY, 0, 0.09), 'over', 'over'],
    [
      '100 % for a minute, a while ago',
      [...span(3 * DAY, 40 * MINUTE, 0), ...span(40 * MINUTE, 39 * MINUTE, 100), ...span(39 * MINUTE, 0, 0)],
      'over',
      'over',
    ],
    [
      '100 % for a minute, now: 16.7 in the hour',
      [...span(3 * DAY, MINUTE, 0), ...span(MINUTE, 0, 100)],
      'holds',
      'over',
    ],
  ])('%s', async (_, cells, critical, warning) => {
    expect(await verdicts(available, recorded(cells))).toEqual({ critical, warning });
  });

  it('latency counts what did not fail and took too long', async () => {
    const slow = [...span(3 * DAY, HOUR, 0), ...span(HOUR, 0, 0, 400)];
    expect(await verdicts(fast, recorded(slow))).toEqual({ critical: 'holds', warning: 'over' });
    const failing = [...span(3 * DAY, HOUR, 0), ...span(HOUR, 0, 90)];
    expect(await verdicts(fast, recorded(failing))).toEqual({ critical: 'over', warning: 'over' });
  });

  it('says it in a sentence, with what is left of the budget', async () => {
    const { assessments, objectives } = await look(
      available,
      recorded([...span(3 * DAY, HOUR, 0), ...span(HOUR, 0, 2)]),
    );
    expect(assessments[0]?.samples[0]?.sentence).toBe(
      'shop/orders: 2 % of 60,000 requests in 1h and 2 % in 5m failed: the error budget of 0.1 % is used up 20 times too fast (alert at 14.4); 72.2 % of the budget of 30d is left',
    );
    expect(assessments[0]?.samples[0]?.labels).toEqual({
      ...{ alertname: 'available', mesh: 'default', namespace: 'shop', severity: 'critical' },
      ...{ rule: 'shop/available', slo: 'available', service: 'orders' },
    });
    const status = objectives.get('shop/available');
    expect(status?.budgetLeft).toBeCloseTo(1 - 1_200 / (4_320_000 * 0.001), 5);
    expect(status?.burnRate).toBeCloseTo(20, 5);
  });

  it('too few requests begin nothing and end nothing', async () => {
    const few = recorded([edge({ at: NOW - 2 * MINUTE, outcome: 'error', requests: 5 })]);
    expect(await verdicts(available, few)).toEqual({ critical: 'unknown', warning: 'unknown' });
    expect(await verdicts(available, recorded([]))).toEqual({ critical: 'unknown', warning: 'unknown' });
  });

  it('missing data is taken for neither: a little of it decides nothing, much of it makes unknown', async () => {
    const gap = (ms: number) => [{ at: NOW - ms, lengthMs: ms }];
    const calm = span(3 * DAY, 0, 0);
    expect(await verdicts(available, recorded(calm, gap(10_000)))).toEqual({ critical: 'over', warning: 'over' });
    expect(await verdicts(available, recorded(calm, gap(5 * MINUTE)))).toEqual({
      critical: 'unknown',
      warning: 'unknown',
    });
    const outage = [...span(3 * DAY, HOUR, 0), ...span(HOUR, 0, 30)];
    expect(await verdicts(available, recorded(outage, gap(2 * MINUTE)))).toMatchObject({ critical: 'holds' });
    expect(await verdicts(available, recorded(outage, gap(HOUR)))).toMatchObject({ critical: 'unknown' });
  });

  it('without a source, or when it cannot be read, it says so and judges nothing', async () => {
    const known = { facts: noFacts, server: goodServer, now: NOW };
    const watched = { mesh: 'default', objectives: [available], rules: [] };
    const none = await assess(watched, known, undefined);
    expect(none.assessments[0]).toMatchObject({
      state: 'unknown',
      why: expect.stringContaining('no source of traffic is connected'),
    });
    expect(none.objectives.get('shop/available')).toBeUndefined();
    const broken = await assess(watched, known, { read: () => Promise.reject(new Error('away')) });
    expect(broken.assessments[0]).toMatchObject({
      state: 'unknown',
      why: 'the traffic cannot be read: away',
      others: 'unknown',
    });
  });

  it('burn rates are those of a direct computation', async () => {
    const outcome = fc.constantFrom<Outcome>('ok', 'ok', 'error', 'timeout', 'denied', 'client_gone');
    const cell = fc.record({
      ago: fc.integer({ min: 1, max: 5_000 }),
      outcome,
      requests: fc.integer({ min: 1, max: 500 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { maxLength: 60 }), async (drawn) => {
        const cells = drawn.map(({ ago, ...rest }) => edge({ at: NOW - ago * MINUTE, ...rest }));
        const status = (await look(available, recorded(cells))).objectives.get('shop/available');
        for (const { longMs, longBurn, shortMs, shortBurn } of status?.windows ?? []) {
          for (const [ms, burn] of [
            [longMs, longBurn],
            [shortMs, shortBurn],
          ] as const) {
            const counted = cells.filter(
              ({ at, outcome: o }) => at >= NOW - ms && o !== 'client_gone' && o !== 'denied',
            );
            const total = counted.reduce((sum, { requests }) => sum + requests, 0);
            const bad = counted.reduce((sum, one) => sum + (isFailure(one.outcome) ? one.requests : 0), 0);
            if (total === 0) expect(burn).toBeNaN();
            else expect(burn).toBeCloseTo(bad / total / 0.001, 6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('all objectives are read at once', async () => {
    const signals = new CellSignals(recorded([]));
    const known = { facts: noFacts, server: goodServer, now: NOW };
    await assess({ mesh: 'default', objectives: [available, fast], rules: [] }, known, signals);
    expect(signals.asked).toBe(1);
  });
});
