import { describe, expect, it } from 'vitest';
import { announceReadiness, type Watched, whyNotReady } from './readiness.js';

interface State {
  live?: boolean;
  connected?: boolean;
  listening?: boolean;
  log?: readonly string[];
}

function sidecar(state: State): Watched {
  return {
    exit: undefined,
    lastLines: () => state.log ?? [],
    admin: {
      isLive: () => Promise.resolve(state.live === true),
      stats: () => Promise.resolve(new Map([['control_plane.connected_state', state.connected ? 1 : 0]])),
      get: () => Promise.resolve(JSON.stringify({ listener_statuses: state.listening ? [LISTENER] : [] })),
    },
  };
}

const LISTENS = [{ address: '10.0.0.5', port: 8080 }];
const LISTENER = { local_address: { socket_address: { address: '10.0.0.5', port_value: 8080 } } };
const warning = '[2026-11-27 08:00:00.000][7][warning][config] [source/x.cc:1] stream closed: 16, token expired';

describe('why an Envoy takes no calls', () => {
  it.each([
    ['it does', { live: true, listening: true }, undefined],
    [
      'a listener that it could not make, although it is live',
      { live: true, log: ["[t][7][warning][config] [x.cc:1] listener 'inbound/http': cannot bind", warning] },
      "Envoy does not listen on 10.0.0.5:8080: listener 'inbound/http': cannot bind",
    ],
    [
      'no control plane, with its own words',
      { log: [warning, 'something else'] },
      'no connection to the control plane: stream closed: 16, token expired',
    ],
    ['nothing has come yet', { connected: true }, 'Envoy waits for its first configuration'],
  ])('%s', async (_what, state, reason) => {
    expect(await whyNotReady(sidecar(state), LISTENS)).toBe(reason);
  });

  it('is told once, and then that it is ready', async () => {
    const state: State = { connected: true };
    const events: string[] = [];
    const onEvent = (line: string): void => {
      events.push(line);
      Object.assign(state, { live: true, listening: true });
    };
    await announceReadiness(sidecar(state), { listens: LISTENS, onEvent, patienceMs: 10 });
    expect(events).toEqual(['not ready: Envoy waits for its first configuration', 'ready']);
  });
});
