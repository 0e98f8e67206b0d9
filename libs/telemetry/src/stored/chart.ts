import type { SignalChart } from './answers.js';
import { serviceOf, workloadOf } from './names.js';
import type { Sight } from './sight.js';
import type { SignalReader } from './signal-reader.js';
import type { Window } from './window.js';

export interface Selection {
  readonly namespace?: string | undefined;
  /** Of a service: with its namespace only. */
  readonly service?: string | undefined;
}

export interface ChartRequest extends Selection {
  readonly mesh: string;
  readonly sight: Sight;
  /** `<namespace>/<workload>`: only what this one asks; '' = who has no identity. With a service only. */
  readonly caller?: string | undefined;
  /** No step is shorter. Milliseconds. */
  readonly stepMs?: number | undefined;
}

/** Whether a reader may see what he asks for by its name. */
export function seesAsked({ sight, namespace, service, caller = '' }: ChartRequest): boolean {
  const workload = workloadOf(caller);
  return (
    (namespace === undefined || service === undefined || sight.service(namespace, service)) &&
    (caller === '' || sight.workload(workload.namespace, workload.name))
  );
}

/**
 * Requests to all services that the reader may see and has selected, or those of one caller to one service, over time.
 * What is asked for by its name is for whoever asks to judge: `seesAsked`.
 */
export async function readChart(
  reader: SignalReader,
  ask: ChartRequest & { readonly window: Window; readonly prefix: string | undefined },
): Promise<SignalChart> {
  const { mesh, sight, caller, window, prefix } = ask;
  const view = caller === undefined ? 'service' : 'pair';
  const seen = new Map<string, boolean>();
  const isSeen = (callee: string): boolean => {
    const { namespace, name } = serviceOf(callee);
    const known = seen.get(callee) ?? sight.service(namespace, name);
    seen.set(callee, known);
    return known;
  };
  const points = await reader.chart({ mesh, view, window, prefix }, (callee, { dimensions: [by = ''] }) => {
    return isSeen(callee) && (caller === undefined || by === caller);
  });
  const [from, to] = [window.from, window.to].map((at) => new Date(at).toISOString());
  return { from: from ?? '', to: to ?? '', stepMs: window.stepMs, points };
}
