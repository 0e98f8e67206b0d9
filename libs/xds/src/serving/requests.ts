import { type TypeSpec, typeSpec } from '../type-specs.js';
import { Denied, type TypeUrl } from '../types.js';
import { decodeNodeId } from '../wire/node.js';
import { type Request, RequestTooLarge } from '../wire/request.js';

/**
 * What grpc-js reads, in parts of `maxMessageBytes`: it ends a call with a larger message and tells only the client, so what is
 * not much larger is refused here, where it is known whose it is.
 */
export const READ_BEYOND_LIMIT = 1.25;

/** REL-22: a client that cannot send its request is frozen until somebody sees the log. @throws RequestTooLarge */
export function checkSize(bytes: Buffer, maxMessageBytes: number): void {
  if (bytes.length <= maxMessageBytes) return;
  throw new RequestTooLarge('maxMessageBytes', `a request of ${bytes.length} bytes; it may have ${maxMessageBytes}`);
}

/** SEC-4, ENV-3: a node may be repeated; only its id is read, and it may not change. @throws Denied */
export function checkNode(request: Request, admitted: string | undefined): void {
  if (!request.node) return;
  const id = decodeNodeId(request.node);
  if (id !== '' && id !== admitted) throw new Denied('INVALID_ARGUMENT', 'node.id changed on the stream');
}

/** What is known of a stream before its first request. */
export interface StreamKind {
  readonly variant: 'delta' | 'sotw';
  /** The type of a single-type service, which implies it and has no other (GEN-3, SEC-4). */
  readonly onlyType: TypeSpec | undefined;
}

/** The type that a request is about; `undefined` for one that is not served on such a stream (GEN-4). @throws Denied */
export function requestedType(url: TypeUrl, { variant, onlyType }: StreamKind): TypeSpec | undefined {
  if (onlyType) {
    if (url !== '' && url !== onlyType.url) throw new Denied('INVALID_ARGUMENT', 'this service has another type');
    return onlyType;
  }
  if (url === '') throw new Denied('INVALID_ARGUMENT', 'type_url is required on an aggregated stream');
  const spec = typeSpec(url);
  return spec?.deltaOnly && variant === 'sotw' ? undefined : spec;
}

/** The client says that it holds something from before: it has not been started anew. */
export const bringsState = (request: Request): boolean =>
  request.variant === 'delta' ? request.initialVersions.size > 0 : request.versioned;
