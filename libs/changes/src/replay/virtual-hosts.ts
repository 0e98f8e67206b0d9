/** Which virtual host of a route configuration is for a host. */
import type { RouteConfiguration, VirtualHost } from '#libs/envoy-api';
import { splitPort } from './manager.js';

/** Domains of a route configuration, looked up as Envoy does: exact, then the longest suffix, the longest prefix, all. */
export function virtualHostFor(table: RouteConfiguration, authority: string): VirtualHost | undefined {
  const written = table.ignorePortInHostMatching ? splitPort(authority).name : authority;
  const host = written.toLowerCase();
  let best: { readonly rank: number; readonly host: VirtualHost } | undefined;
  for (const virtualHost of table.virtualHosts) {
    for (const domain of virtualHost.domains) {
      const rank = rankOf(domain.toLowerCase(), host);
      if (rank > (best?.rank ?? 0)) best = { rank, host: virtualHost };
    }
  }
  return best?.host;
}

const EXACT = 1e9;
const SUFFIX = 1e6;
const PREFIX = 2;
const ALL = 1;

/** Higher is taken first; 0 = not for this host. A wildcard stands for at least one character. */
function rankOf(domain: string, host: string): number {
  if (domain === '*') return ALL;
  if (domain === host) return EXACT;
  if (domain.length - 1 >= host.length) return 0;
  if (domain.startsWith('*')) return host.endsWith(domain.slice(1)) ? SUFFIX + domain.length : 0;
  if (domain.endsWith('*')) return host.startsWith(domain.slice(0, -1)) ? PREFIX + domain.length : 0;
  return 0;
}
