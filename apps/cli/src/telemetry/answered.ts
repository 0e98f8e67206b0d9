import type { Answered } from '#libs/telemetry';
import type { Session } from '../command.js';
import { AnswerError } from '../rest-client.js';

/** Below an answer: which time it is of, and what is not in it. */
export function footer({ from, to, incomplete }: Answered, more = 0, hidden = 0): string {
  return [
    `from ${from} to ${to}`,
    ...(incomplete ? ['some of that time is missing: counts are lower bounds'] : []),
    ...(more > 0 ? [`and ${more} more: --limit`] : []),
    ...(hidden > 0 ? [`and ${hidden} that you may not see`] : []),
  ].join('\n');
}

interface Proxies {
  readonly items: readonly { readonly connected: boolean }[];
}

/** Why there may be nothing: for whoever sees an empty answer. */
export async function whyNothing(s: Session, { from, to }: Pick<Answered, 'from' | 'to'>): Promise<string> {
  const nothing = `no request was seen from ${from} to ${to}`;
  try {
    const { items } = await s.rest.get<Proxies>(`${s.meshPath}/proxies`);
    return `${nothing}: ${reason(items)}`;
  } catch (error) {
    // Whoever may not see proxies is told what is known without them.
    if (error instanceof AnswerError) return `${nothing}: ${OTHERWISE}`;
    throw error;
  }
}

const OTHERWISE =
  'nothing was asked through the mesh in that time, or it was too short ago (up to 20 s): --since 1h looks further back';

export function reason(proxies: Proxies['items']): string {
  if (proxies.length === 0) return 'no proxy is registered yet (heddle proxy run, heddle proxy bootstrap)';
  const connected = proxies.filter((proxy) => proxy.connected).length;
  if (connected === 0) return `none of ${proxies.length} proxies is connected (heddle status)`;
  return `${connected} of ${proxies.length} proxies are connected, so ${OTHERWISE}`;
}
