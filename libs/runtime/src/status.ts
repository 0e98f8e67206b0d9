import { shortType } from '#libs/envoy-api';
import { parseLeafVersion } from '#libs/identity';
import { nodeId } from '#libs/kernel';
import type { ProxyStatus, TypeStatus } from '#libs/model';
import type { InstanceRow } from '#libs/store';
import type { StreamState, TypeState } from '#libs/xds';
import { claimsOf } from './gatekeeper.js';
import { tokenState } from './token-alarm.js';

const DAY_MS = 86_400_000;

export interface StatusContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly revisionOf: (change: number) => number;
}

/** What is known of a registered instance: its row, and its streams on this replica, oldest first. */
export function proxyStatus(row: InstanceRow, streams: readonly StreamState[], context: StatusContext): ProxyStatus {
  const newest = streams.at(-1);
  const claims = newest ? claimsOf(newest.stream.principal) : undefined;
  return {
    mesh: row.mesh,
    namespace: row.namespace,
    workload: row.workload,
    instance: row.name,
    connected: newest !== undefined || row.attached.length > 0,
    routable: row.routable && !row.leaving,
    duplicate: streams.length > 1,
    envoyVersion: newest?.stream.node.userAgentVersion ?? row.envoyVersion,
    connectedSince: newest ? new Date(newest.stream.openedAt).toISOString() : undefined,
    tokenDaysLeft: claims ? Math.round(((claims.expiresAt - context.now) / DAY_MS) * 10) / 10 : undefined,
    tokenState: claims ? tokenState(claims, context.now) : undefined,
    certificateNotAfter: newest ? certificateEnd(newest) : undefined,
    types: newest ? newest.types.map((type) => typeStatus(type, context)) : [],
  };
}

/** Node ids of the streams, with their states. */
export function byNode(streams: readonly StreamState[]): Map<string, StreamState[]> {
  const found = new Map<string, StreamState[]>();
  for (const state of streams) {
    const list = found.get(state.stream.node.id);
    if (list) list.push(state);
    else found.set(state.stream.node.id, [state]);
  }
  return found;
}

export const rowNodeId = (row: InstanceRow): string =>
  nodeId({ mesh: row.mesh, namespace: row.namespace, workload: row.workload, instance: row.name });

/** Node ids of those that are connected to nobody but this replica. */
export const attachedOnlyTo = (replica: string, instances: Iterable<InstanceRow>): readonly string[] =>
  [...instances]
    .filter(
      ({ attached, leaving }) => !leaving && attached.length > 0 && attached.every((one) => one.replica === replica),
    )
    .map(rowNodeId);

function typeStatus(type: TypeState, context: StatusContext): TypeStatus {
  const behind = type.behindSince > 0;
  return {
    type: shortType(type.type),
    state: type.refused.length > 0 ? 'NACKED' : behind ? 'PENDING' : 'ACKED',
    resources: type.acked.size,
    ackedRevision: context.revisionOf(type.ackedChange),
    behindMs: behind ? Math.max(0, context.now - type.behindSince) : 0,
    refused: type.refused.map(({ name, message }) => ({ name, message })),
  };
}

/** The leaf's end stands in its version. */
function certificateEnd(state: StreamState): string | undefined {
  for (const type of state.types) {
    const version = shortType(type.type) === 'SDS' ? type.acked.get('identity') : undefined;
    const facts = version === undefined ? undefined : parseLeafVersion(version);
    if (facts) return new Date(facts.notAfter).toISOString();
  }
  return undefined;
}
