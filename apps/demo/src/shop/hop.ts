/** What one service saw of a call, and the calls that it made in turn. The same shape over HTTP and gRPC. */
export interface Hop {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  /** `GET`, `POST` ...; `gRPC` for a call of Payments. */
  readonly method: string;
  /** With query, as it arrived: after any rewrite on the way. */
  readonly path: string;
  /** From the certificate that the caller's sidecar presented to ours; null without mutual TLS. */
  readonly callerSpiffeId: string | null;
  /** 1 for the first try, 2 for the first retry ...; 0 when no sidecar counted. */
  readonly attempt: number;
  /** Host and every `x-` header but the certificate's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly calls: readonly CallResult[];
}

/** The outcome of one call to another service. */
export interface CallResult {
  /** The URL, or `grpc:Payments.Charge`. */
  readonly to: string;
  /** HTTP status; for gRPC 200 or the HTTP status that its code stands for; 0 when nothing answered. */
  readonly status: number;
  /** The JSON that came back, or the text when it was none. */
  readonly answer: unknown;
  /** Why there is no answer. */
  readonly error?: string;
}

export interface ServiceName {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
}

/** Header names in lower case; a repeated header is joined by commas already. */
export type Headers = Readonly<Record<string, string | undefined>>;

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
}

/** Describes a call as this service sees it. */
export function describeHop(who: ServiceName, received: Received, calls: readonly CallResult[] = []): Hop {
  const { method, path, headers } = received;
  return {
    service: who.service,
    version: who.version,
    instance: who.instance,
    method,
    path,
    callerSpiffeId: callerSpiffeId(headers['x-forwarded-client-cert']),
    attempt: Number(headers['x-envoy-attempt-count'] ?? 0),
    headers: interesting(headers),
    calls,
  };
}

/**
 * The URI of the last element of an `x-forwarded-client-cert` header: the one that our own sidecar added. Elements are
 * separated by commas, their fields by semicolons. Values in double quotes (a certificate's subject) may hold anything
 * and are blanked first; a SPIFFE id is never quoted.
 */
export function callerSpiffeId(xfcc: string | undefined): string | null {
  const last = xfcc
    ?.replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .split(',')
    .at(-1);
  return /(?:^|;)URI=([^;]+)/i.exec(last?.trim() ?? '')?.[1] ?? null;
}

function interesting(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const keep = name === 'host' || (name.startsWith('x-') && name !== 'x-forwarded-client-cert');
    if (keep && value !== undefined) kept[name] = value;
  }
  return kept;
}
