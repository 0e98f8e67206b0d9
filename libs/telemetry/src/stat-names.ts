/**
 * Which of Envoy's counters are kept. They come by their full names, as `/stats` shows them, without tags: one string each,
 * half the bytes, and unambiguous, since no name that Heddle gives has dots.
 *
 * | counter | is |
 * |---|---|
 * | `cluster.<name>.upstream_rq_completed`, `upstream_rq_5xx` | final answers, after retries; the router counts its own 503 and 504 here too |
 * | `http.<prefix>.downstream_rq_completed`, `downstream_rq_5xx` | what the client was answered |
 * | `http.<prefix>.no_route` | answered 404 by the router, so not among the 5xx |
 * | `tcp.inbound_<port>_plain.downstream_cx_total` | connections without mutual TLS to a TCP port |
 *
 * Attempts that were retried are `cluster.<name>.retry.*`, which no name here matches: a request counts once.
 */
export interface CountedAs {
  readonly scope: string;
  readonly what: 'requests' | 'failures';
}

/** Names of clusters in a mesh have a slash; those of a bootstrap, such as the control plane's own, have none. */
const CLUSTER = /^cluster\.([a-z0-9-]+(?:\/[a-z0-9-]+){1,3})\.upstream_rq_(completed|5xx)$/;
const SERVER = /^http\.(outbound|inbound)(?:_([a-z0-9_-]+))?\.(?:downstream_rq_(completed|5xx)|(no_route))$/;
const PLAIN_TCP = /^tcp\.inbound_([a-z0-9-]+)_plain\.downstream_cx_total$/;
/** Longer than any name that Heddle gives. Bytes. */
export const MAX_STAT_NAME = 400;

/** What a counter of this name adds to; undefined for one that is not kept. */
export function countedAs(name: string): CountedAs | undefined {
  if (name.startsWith('cluster.')) return ofCluster(name);
  return name.startsWith('tcp.') ? ofPlainTcp(name) : ofServer(name);
}

function ofCluster(name: string): CountedAs | undefined {
  const [, cluster, what] = CLUSTER.exec(name) ?? [];
  return cluster === undefined ? undefined : { scope: `cluster ${cluster}`, what: kind(what) };
}

function ofServer(name: string): CountedAs | undefined {
  const [, side, rest = '', what] = SERVER.exec(name) ?? [];
  if (side === 'outbound') return { scope: side, what: kind(what) };
  if (side === undefined || rest === '') return undefined;
  // The plaintext chain of a port that takes both counts apart.
  const scope = rest.endsWith(PLAIN) ? plaintextScope(rest.slice(0, -PLAIN.length)) : `inbound ${rest}`;
  return { scope, what: kind(what) };
}

const PLAIN = '_plain';
const plaintextScope = (port: string): string => `inbound ${port} plaintext`;

function ofPlainTcp(name: string): CountedAs | undefined {
  const [, port] = PLAIN_TCP.exec(name) ?? [];
  return port === undefined ? undefined : { scope: plaintextScope(port), what: 'requests' };
}

/** The port of a scope that counts what came without mutual TLS; undefined for others. */
export const plaintextPort = (scope: string): string | undefined => /^inbound (\S+) plaintext$/.exec(scope)?.[1];

const kind = (what: string | undefined): CountedAs['what'] => (what === 'completed' ? 'requests' : 'failures');
