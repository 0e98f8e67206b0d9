import { Crowd } from '../fuzz/crowd.js';
import { EngineProcess } from '../fuzz/engine-process.js';
import type { Figures, Size } from '../fuzz/engine-protocol.js';
import { cpuOf } from './cpu.js';

const SIZE: Size = { clusters: 10, endpoints: 10, listeners: 2, routes: 2, bytes: 400 };
/** Longer than the 30 s after which a silent connection is asked for a sign of life: that is what idle clients cost. */
const LOOK_MS = 40_000;

export interface Idle {
  /** Share of one core that the server took, in percent. */
  readonly cpuPercent: number;
  readonly encodes: number;
  readonly responses: number;
  readonly bytes: number;
  readonly requests: number;
}

/**
 * What clients that have everything cost an engine in a process of its own, over plaintext connections.
 * @param lookMs how long they are looked at once they are silent. Milliseconds
 */
export async function idle(clients: number, lookMs = LOOK_MS): Promise<Idle> {
  const engine = await EngineProcess.start({ size: SIZE, lag: false, limits: { maxConnections: clients + 100 } });
  const crowd = new Crowd({ count: clients, address: engine.address, size: SIZE });
  try {
    await crowd.join(0);
    const before = await silent(engine);
    const [cpu, began] = [cpuOf(engine.pid), performance.now()];
    await pause(lookMs);
    const cpuPercent = ((cpuOf(engine.pid) - cpu) / (performance.now() - began)) * 100;
    const after = (await engine.figures()).counters;
    return {
      cpuPercent,
      encodes: after.encodes - before.encodes,
      responses: after.responses - before.responses,
      bytes: after.bytesSent - before.bytesSent,
      requests: after.requests - before.requests,
    };
  } finally {
    crowd.leave();
    await engine.end();
  }
}

/** Waits until the last answers have been confirmed. */
async function silent(engine: EngineProcess): Promise<Figures['counters']> {
  let now = (await engine.figures()).counters;
  for (let before = -1; before !== now.requests; ) {
    before = now.requests;
    await pause(1_000);
    now = (await engine.figures()).counters;
  }
  return now;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
