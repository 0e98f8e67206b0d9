import {
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
  encode,
  fromBinary,
} from '#libs/envoy-api';
import { Denied, type StreamState, type TypeState } from '../types.js';

type ResponseInit = Parameters<typeof encode<typeof ClientStatusResponseSchema>>[1];
type Config = NonNullable<NonNullable<ResponseInit['config']>[number]['genericXdsConfigs']>[number];
type Matcher = (nodeId: string) => boolean;

/**
 * The answer to a ClientStatusRequest from what the streams have confirmed, one ClientConfig a stream (CSDS-1). Names,
 * versions and states; never contents, which for secrets would be keys.
 * @param streams those that the asker may see
 * @throws Denied INVALID_ARGUMENT for a request that is none, or matches nodes by what is not known of them
 */
export function clientStatus(request: Uint8Array, streams: readonly StreamState[]): Uint8Array {
  const matchers = matchersOf(request);
  const seen = streams.filter(({ stream }) => matchers.length === 0 || matchers.some((one) => one(stream.node.id)));
  return encode(ClientStatusResponseSchema, { config: seen.map(configOf) });
}

function matchersOf(request: Uint8Array): Matcher[] {
  try {
    return fromBinary(ClientStatusRequestSchema, request).nodeMatchers.map(({ nodeId, nodeMetadatas }) => {
      if (nodeMetadatas.length > 0) throw new Denied('INVALID_ARGUMENT', 'nodes are matched by node_id only');
      return matcherOf(nodeId?.matchPattern, nodeId?.ignoreCase ?? false);
    });
  } catch (error) {
    if (error instanceof Denied) throw error;
    throw new Denied('INVALID_ARGUMENT', 'not a ClientStatusRequest');
  }
}

function matcherOf(pattern: { case?: string | undefined; value?: unknown } | undefined, ignoreCase: boolean): Matcher {
  const { case: how, value } = pattern ?? {};
  if (how === undefined) return () => true;
  if (typeof value !== 'string') throw new Denied('INVALID_ARGUMENT', `node_id is not matched by ${how}`);
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const wanted = fold(value);
  switch (how) {
    case 'exact':
      return (id) => fold(id) === wanted;
    case 'prefix':
      return (id) => fold(id).startsWith(wanted);
    case 'suffix':
      return (id) => fold(id).endsWith(wanted);
    case 'contains':
      return (id) => fold(id).includes(wanted);
    default:
      throw new Denied('INVALID_ARGUMENT', `node_id is not matched by ${how}`);
  }
}

const configOf = ({ stream, types }: StreamState) => ({
  node: { id: stream.node.id, cluster: stream.node.cluster, userAgentName: stream.node.userAgentName },
  clientScope: `stream ${stream.id}`,
  genericXdsConfigs: types.flatMap((type) => namesOf(type).map((name) => resourceOf(type, name))),
});

/** Every name that is subscribed by name, held, on its way or refused. */
function namesOf(type: TypeState): string[] {
  const named = type.subscribed === 'wildcard' ? [] : type.subscribed;
  const refused = type.refused.map(({ name }) => name);
  return [...new Set([...named, ...type.acked.keys(), ...type.pending, ...refused, ...type.held])].sort();
}

function resourceOf(type: TypeState, name: string): Config {
  const version = type.acked.get(name);
  const base = { typeUrl: type.type, name, versionInfo: version ?? '' };
  const refusal = type.refused.find((one) => one.name === name);
  if (refusal) {
    const errorState = { details: refusal.message, versionInfo: refusal.version };
    return { ...base, configStatus: ConfigStatus.ERROR, clientStatus: ClientResourceStatus.NACKED, errorState };
  }
  const clientStatus = version === undefined ? ClientResourceStatus.REQUESTED : ClientResourceStatus.ACKED;
  if (type.pending.includes(name)) return { ...base, configStatus: ConfigStatus.STALE, clientStatus };
  if (type.held.includes(name)) return { ...base, configStatus: ConfigStatus.NOT_SENT, clientStatus };
  if (version !== undefined) return { ...base, configStatus: ConfigStatus.SYNCED, clientStatus };
  return { ...base, configStatus: ConfigStatus.NOT_SENT, clientStatus: ClientResourceStatus.DOES_NOT_EXIST };
}
