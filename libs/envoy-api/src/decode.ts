import { createRegistry, type DescMessage, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import * as messages from './messages.js';
import { shortType, TYPE } from './type-urls.js';

const SCHEMAS: ReadonlyMap<string, DescMessage> = new Map<string, DescMessage>([
  [TYPE.cluster, messages.ClusterSchema],
  [TYPE.endpoint, messages.ClusterLoadAssignmentSchema],
  [TYPE.lbEndpoint, messages.LbEndpointSchema],
  [TYPE.listener, messages.ListenerSchema],
  [TYPE.route, messages.RouteConfigurationSchema],
  [TYPE.scopedRoute, messages.ScopedRouteConfigurationSchema],
  [TYPE.virtualHost, messages.VirtualHostSchema],
  [TYPE.secret, messages.SecretSchema],
]);

const isMessage = (value: unknown): value is DescMessage =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'message';

/** Every message that may stand inside an Any, so that JSON shows contents instead of base64. */
const registry = createRegistry(...Object.values<unknown>(messages).filter(isMessage));

/**
 * A resource's bytes as protobuf JSON with the contents of every Any, for goldens, diffs and people.
 * @throws Error for a type that Heddle does not produce, or bytes that are not of the type.
 */
export function resourceToJson(typeUrl: string, bytes: Uint8Array): JsonValue {
  const schema = SCHEMAS.get(typeUrl);
  if (!schema) throw new Error(`no message is known for ${typeUrl} (${shortType(typeUrl)})`);
  return toJson(schema, fromBinary(schema, bytes), { registry });
}
