import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvoyAdmin } from './envoy-admin.js';
import { errorText } from './run-command.js';
import { withoutPrefix } from './sidecar-log.js';
import type { SocketAddress } from './socket-address.js';

/** What is asked of a sidecar here: a `Sidecar` is one. */
export interface Watched {
  readonly admin: Pick<EnvoyAdmin, 'isLive' | 'get' | 'stats'>;
  readonly exit: object | undefined;
  /** The newest lines of its log, oldest first. */
  lastLines(): readonly string[];
}

export interface ReadinessOptions {
  /** Where other hosts must find it: the addresses of its registration. */
  readonly listens: readonly SocketAddress[];
  readonly onEvent: (line: string) => void;
  /** Silence before the first reason is told, and between two; default 5000. */
  readonly patienceMs?: number;
}

const ASK_EVERY_MS = 250;

/**
 * Says `ready` once Envoy takes calls where its registration says. Until then it says every few seconds why not, if
 * that is something new. Resolves when it is ready or has ended.
 */
export async function announceReadiness(sidecar: Watched, options: ReadinessOptions): Promise<void> {
  const { listens, onEvent, patienceMs = 5000 } = options;
  let said = '';
  let next = performance.now() + patienceMs;
  while (sidecar.exit === undefined) {
    const reason = await whyNotReady(sidecar, listens);
    if (sidecar.exit !== undefined) return;
    if (reason === undefined) return onEvent('ready');
    if (performance.now() >= next && reason !== said) {
      onEvent(`not ready: ${reason}`);
      said = reason;
      next = performance.now() + patienceMs;
    }
    await sleep(ASK_EVERY_MS);
  }
}

/** Why an Envoy takes no calls yet, in one line with Envoy's own words; `undefined` when it does. */
export async function whyNotReady(sidecar: Watched, listens: readonly SocketAddress[]): Promise<string | undefined> {
  try {
    if (await sidecar.admin.isLive()) return await missingListener(sidecar, listens);
    const connected = await sidecar.admin.stats('^control_plane.connected_state$');
    return connected.get('control_plane.connected_state') === 1
      ? `Envoy waits for its first configuration${complaint(sidecar, /./)}`
      : `no connection to the control plane${complaint(sidecar, /./)}`;
  } catch (error) {
    return `Envoy's admin interface does not answer: ${errorText(error)}`;
  }
}

interface Listeners {
  readonly listener_statuses?: readonly {
    readonly local_address?: { readonly socket_address?: { readonly address?: string; readonly port_value?: number } };
  }[];
}

/**
 * Envoy keeps running, and counts as live, without a listener that it could not make: an address that is not here, a
 * port in use. Its dump of the configuration shows the refusal until the next update only; the log keeps it.
 */
async function missingListener(sidecar: Watched, listens: readonly SocketAddress[]): Promise<string | undefined> {
  const { listener_statuses = [] } = JSON.parse(await sidecar.admin.get('/listeners?format=json')) as Listeners;
  const missing = listens.find(({ address, port }) => {
    const found = listener_statuses.map((one) => one.local_address?.socket_address);
    // One IPv6 address can be written in many ways.
    return !found.some((at) => at?.port_value === port && (address.includes(':') || at.address === address));
  });
  return missing && `Envoy does not listen on ${missing.address}:${missing.port}${complaint(sidecar, /bind|listener/)}`;
}

/** The newest complaint in its log about something, with a colon before it; empty when there is none. */
function complaint(sidecar: Watched, about: RegExp): string {
  const line = sidecar.lastLines().findLast((one) => /\[(warning|error|critical)\]/.test(one) && about.test(one));
  return line === undefined ? '' : `: ${withoutPrefix(line)}`;
}
