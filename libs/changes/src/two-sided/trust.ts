/**
 * Another trust domain, in three changes: accept the new one too (expand), issue certificates under it and accept the old one
 * (callers), accept it no longer (contract). Each needs the one before to have reached every proxy.
 */
import { changeId, compareCodeUnits, parseNodeId, systemClock } from '#libs/kernel';
import type { Manifest } from '#libs/model';
import { PROGRESS_KEPT_DAYS, type StoredResource } from '#libs/store';
import { sumDelivery } from '../delivery/sum.js';
import type { ChangesDeps, IntendedWrite } from '../types.js';

export type TrustObstacle =
  | { readonly code: 'trust-domain-in-use'; readonly mesh: string; readonly from: string; readonly to: string }
  /** Proxies that are not connected or have not ACKed, `<namespace>/<instance>`; none = their answers are still counted. */
  | {
      readonly code: 'stage-not-delivered';
      readonly mesh: string;
      readonly change: string;
      readonly proxies: readonly string[];
    }
  | {
      readonly code: 'trust-domain-aliases-in-use';
      readonly mesh: string;
      readonly names: readonly string[];
      readonly leftMs: number;
    };

interface Trust {
  readonly own: string;
  readonly aliases: readonly string[];
}

function trustOf(mesh: string, manifest: Manifest | undefined): Trust {
  const spec = (manifest?.spec ?? {}) as { readonly trustDomain?: string; readonly trustDomainAliases?: string[] };
  return { own: spec.trustDomain ?? `${mesh}.heddle.local`, aliases: spec.trustDomainAliases ?? [] };
}

type Step =
  | { readonly do: 'nothing' }
  /** Cannot be done without cutting callers off, in whatever order proxies have it. */
  | { readonly do: 'refuse'; readonly from: string; readonly to: string }
  | { readonly do: 'callers' }
  | { readonly do: 'contract'; readonly gone: readonly string[] };

/** What a change of the names is. Aliases that come need nothing: nobody has such a certificate yet. */
export function stepOf(before: Trust, after: Trust): Step {
  const gone = [before.own, ...before.aliases].filter((name) => name !== after.own && !after.aliases.includes(name));
  if (before.own === after.own) return gone.length === 0 ? { do: 'nothing' } : { do: 'contract', gone };
  const isOrdered = before.aliases.includes(after.own) && gone.length === 0;
  return isOrdered ? { do: 'callers' } : { do: 'refuse', from: before.own, to: after.own };
}

/** A connection of HTTP is at most so old, and has the identity with which it was opened. Milliseconds. */
const CONNECTION_MS = 12 * 3_600_000;
/** Of older changes nobody knows who has them; everybody has had the time. Milliseconds. */
const KEPT_MS = PROGRESS_KEPT_DAYS * 86_400_000;

type Reads = { readonly store: Pick<ChangesDeps['store'], 'instances' | 'progress'> };

/** @param row the mesh as it is: its last write is the step before */
export async function trustIn(
  { store }: Reads,
  { op, name: mesh, before, after }: Pick<IntendedWrite, 'op' | 'name' | 'before' | 'after'>,
  row: StoredResource | undefined,
): Promise<readonly TrustObstacle[]> {
  if (op === 'create' || !row) return [];
  const step = stepOf(trustOf(mesh, before), trustOf(mesh, after));
  if (step.do === 'nothing') return [];
  const instances = (await store.instances.list(mesh)).filter(({ leaving }) => !leaving);
  if (instances.length === 0) return [];
  if (step.do === 'refuse') return [{ code: 'trust-domain-in-use', mesh, from: step.from, to: step.to }];
  const { updatedRevision: revision, updatedAt } = row;
  const away = instances.filter(({ attached }) => attached.length === 0).map((one) => `${one.namespace}/${one.name}`);
  const ageMs = systemClock.now() - Date.parse(updatedAt);
  const rows = ageMs < KEPT_MS ? await store.progress.of(mesh, [revision]) : [];
  const delivery = sumDelivery(rows, undefined);
  const late = [...delivery.behind, ...delivery.refused].map(({ proxy }) => proxyOf(proxy));
  const proxies = [...new Set([...away, ...late])].sort(compareCodeUnits);
  const found: TrustObstacle[] = [];
  if (proxies.length > 0 || delivery.state === 'Delivering')
    found.push({ code: 'stage-not-delivered', mesh, change: changeId(revision), proxies });
  const leftMs = CONNECTION_MS - ageMs;
  if (step.do === 'contract' && leftMs > 0)
    found.push({ code: 'trust-domain-aliases-in-use', mesh, names: step.gone, leftMs });
  return found;
}

/** `<namespace>/<instance>` of a node id. */
const proxyOf = (node: string): string => {
  const proxy = parseNodeId(node);
  return proxy === undefined ? node : `${proxy.namespace}/${proxy.instance}`;
};
