import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvoyAdmin } from './envoy-admin.js';
import { errorText } from './run-command.js';
import { withoutPrefix } from './sidecar-log.js';

/** What is asked of a sidecar here: a `Sidecar` is one. */
export interface Watched {
  readonly admin: Pick<EnvoyAdmin, 'isLive' | 'get' | 'stats'>;
  readonly exit: object | undefined;
  /** The newest lines of its log, oldest first. */
  lastLines(): readonly string[];
}

export interface ReadinessOptions {
  readonly onEvent: (line: string) => void;
  /** Silence before the first reason is told, and between two; default 5000. */
  readonly patienceMs?: number;
}

const ASK_EVERY_MS = 250;

/**
 * Says `ready` once Envoy takes calls on every listener it was sent. Until then it says every few seconds why not, if
 * that is something new. Resolves when it is ready or has ended.
 */
export async function announceReadiness(
  sidecar: Watched,
  { onEvent, patienceMs = 5000 }: ReadinessOptions,
): Promise<void> {
  let said = '';
  let next = performance.now() + patienceMs;
  while (sidecar.exit === undefined) {
    const reason = await whyNotReady(sidecar);
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
export async function whyNotReady(sidecar: Watched): Promise<string | undefined> {
  try {
    const refused = await refusedListener(sidecar);
    if (refused !== undefined) return refused;
    if (await sidecar.admin.isLive()) return undefined;
    const connected = await sidecar.admin.stats('^control_plane.connected_state$');
    const complaint = sidecar.lastLines().findLast((line) => /\[(warning|error|critical)\]/.test(line));
    const words = complaint === undefined ? '' : `: ${withoutPrefix(complaint)}`;
    return connected.get('control_plane.connected_state') === 1
      ? `Envoy waits for its first configuration${words}`
      : `no connection to the control plane${words}`;
  } catch (error) {
    return `Envoy's admin interface does not answer: ${errorText(error)}`;
  }
}

interface ListenersDump {
  readonly configs?: readonly {
    readonly dynamic_listeners?: readonly {
      readonly name?: string;
      readonly error_state?: { readonly details?: string };
    }[];
  }[];
}

/** Envoy keeps running without a listener that it could not make: an address that is not here, a port in use. */
async function refusedListener({ admin }: Watched): Promise<string | undefined> {
  const dump = JSON.parse(await admin.get('/config_dump?mask=dynamic_listeners')) as ListenersDump;
  const listeners = (dump.configs ?? []).flatMap(({ dynamic_listeners }) => dynamic_listeners ?? []);
  const refused = listeners.find(({ error_state }) => error_state !== undefined);
  return refused && `Envoy refuses the listener ${refused.name}: ${refused.error_state?.details ?? 'no reason given'}`;
}
