import { beforeEach, describe, expect, it } from 'vitest';
import { silentLog, silentMetrics } from '#libs/kernel';
import type { PlaintextReport } from '#libs/store';
import { HandClock } from '../../testing/src/clock/index.js';
import { PlaintextWatch } from './plaintext-watch.js';
import { ReportedCounts } from './reported-counts.js';

const NODE = 'm/shop/orders/orders-1';
const PLAIN = 'http.inbound_http_plain.downstream_rq_completed';
const LOOK_MS = 2_000;

let clock: HandClock;
let counts: ReportedCounts;
let noted: PlaintextReport[];
let isAway: boolean;
const add = (name: string, value: number): void => {
  const stream = counts.open(NODE);
  stream?.add([{ name, value }]);
  stream?.close();
};

beforeEach(() => {
  clock = new HandClock();
  counts = new ReportedCounts({ clock, metrics: silentMetrics });
  [noted, isAway] = [[], false];
  const report = async (reports: readonly PlaintextReport[]): Promise<void> => {
    if (isAway) throw new Error('Postgres is away');
    noted.push(...reports);
  };
  new PlaintextWatch({ counts, uses: { report }, clock, log: silentLog });
});

describe('plaintext', () => {
  it('is noted when it is new, with what came in the last five minutes', async () => {
    add(PLAIN, 3);
    add('http.inbound_http.downstream_rq_completed', 100);
    await clock.advance(LOOK_MS);
    await clock.advance(LOOK_MS);
    expect(noted).toEqual([{ mesh: 'm', node: NODE, port: 'http', requests: 3 }]);
    add(PLAIN, 2);
    await clock.advance(LOOK_MS);
    expect(noted[1]?.requests).toBe(5);
    await clock.advance(300_000);
    add(PLAIN, 1);
    await clock.advance(LOOK_MS);
    expect(noted[2]?.requests).toBe(1);
  });

  it('of TCP is counted by connections', async () => {
    add('tcp.inbound_bytes_plain.downstream_cx_total', 4);
    await clock.advance(LOOK_MS);
    expect(noted).toEqual([{ mesh: 'm', node: NODE, port: 'bytes', requests: 4 }]);
  });

  it('REL-2 is noted once when Postgres answers again, however many looks were due meanwhile', async () => {
    const answers: (() => void)[] = [];
    const report = (): Promise<void> => new Promise((resolve) => answers.push(resolve));
    const watch = new PlaintextWatch({ counts, uses: { report }, clock, log: silentLog });
    add(PLAIN, 3);
    await clock.advance(LOOK_MS);
    for (let time = 0; time < 30; time += 1) {
      add(PLAIN, 1);
      await clock.advance(LOOK_MS);
    }
    const stopping = watch.stop();
    expect(answers).toHaveLength(1);
    answers[0]?.();
    await stopping;
    expect(answers).toHaveLength(1);
  });

  it('that could not be noted is noted later', async () => {
    isAway = true;
    add(PLAIN, 3);
    await clock.advance(LOOK_MS);
    isAway = false;
    await clock.advance(LOOK_MS);
    expect(noted.map(({ requests }) => requests)).toEqual([3]);
  });
});
