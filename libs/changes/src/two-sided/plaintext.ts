/** Making a mesh STRICT cuts off who still calls by plaintext. */
import { SERVICE, SERVICES_OF_INSTANCE } from '#libs/compiler';
import { parseNodeId } from '#libs/kernel';
import type { Manifest } from '#libs/model';
import type { LiveMesh } from '../live.js';
import type { ChangesDeps, IntendedWrite } from '../types.js';

/** Plaintext that a service was sent a moment ago. */
export interface PlaintextAt {
  /** `Workload` where no service leads to the port. */
  readonly kind: 'Service' | 'Workload';
  readonly namespace: string;
  readonly name: string;
  /** Requests, of TCP connections, in the last minutes. */
  readonly requests: number;
}

export interface PlaintextObstacle {
  readonly code: 'plaintext-in-use';
  readonly mesh: string;
  readonly uses: readonly PlaintextAt[];
}

/** Who called without mutual TLS this recently still does. Milliseconds. */
const WITHIN_MS = 300_000;

const modeOf = (manifest: Manifest | undefined): unknown =>
  (manifest?.spec as { readonly mtls?: { readonly mode?: unknown } } | undefined)?.mtls?.mode ?? 'STRICT';

export async function plaintextIn(
  { store }: { readonly store: Pick<ChangesDeps['store'], 'plaintext'> },
  live: LiveMesh | undefined,
  { name: mesh, before, after }: Pick<IntendedWrite, 'name' | 'before' | 'after'>,
): Promise<readonly PlaintextObstacle[]> {
  if (modeOf(before) !== 'PERMISSIVE' || modeOf(after) === 'PERMISSIVE') return [];
  const uses = new Map<string, PlaintextAt>();
  for (const { node, port, requests } of await store.plaintext.seen(mesh, WITHIN_MS)) {
    for (const at of calledAt(live, node, port)) {
      const key = `${at.namespace}/${at.kind}/${at.name}`;
      uses.set(key, { ...at, requests: (uses.get(key)?.requests ?? 0) + requests });
    }
  }
  return uses.size === 0 ? [] : [{ code: 'plaintext-in-use', mesh, uses: [...uses.values()] }];
}

/** The services that lead to a port of a sidecar. */
function calledAt(live: LiveMesh | undefined, node: string, port: string): readonly Omit<PlaintextAt, 'requests'>[] {
  const identity = parseNodeId(node);
  if (!identity) return [];
  const { namespace, workload, instance } = identity;
  const ctx = live?.graph.ctx;
  const services = (ctx?.get(SERVICES_OF_INSTANCE, `${namespace}/${instance}`) ?? []).flatMap((key) => {
    const service = ctx?.input(SERVICE, key);
    const leads = service?.ports.some(({ targetPort }) => targetPort === port) ?? false;
    return service && leads ? [{ kind: 'Service' as const, namespace, name: service.name }] : [];
  });
  return services.length > 0 ? services : [{ kind: 'Workload', namespace, name: workload }];
}
