import { describe, expect, it } from 'vitest';
import { LatencySketch } from '../model/index.js';
import { Tally } from './tally.js';

/** So many requests that took so long, in so many seconds. */
function inFlight(requests: number, ms: number, seconds: number): number | undefined {
  const tally = new Tally('requests', 1);
  const latencies = new LatencySketch();
  latencies.add(ms, requests);
  tally.add({ outcome: 'ok', status: 200, requests, attempts: requests, dimensions: [] }).addSketch(latencies);
  return tally.signals(seconds).inFlight;
}

describe('how many were open at once', () => {
  it.each([
    [100, 50, 10, 0.5],
    [100, 5_000, 10, 50],
    [1, 20_000, 10, 2],
  ])('%d requests of %d ms in %d s are %d', (requests, ms, seconds, open) => {
    const told = inFlight(requests, ms, seconds) ?? 0;
    expect(Math.abs(told - open) / open).toBeLessThan(0.03);
  });

  it('is not known of nothing, nor of no time', () => {
    expect([new Tally('requests', 1).signals(10).inFlight, inFlight(1, 50, 0)]).toEqual([undefined, undefined]);
  });
});
