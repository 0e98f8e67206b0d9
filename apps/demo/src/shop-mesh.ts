import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ControlPlane } from './control-plane.js';
import { prove, until } from './narrator.js';
import type { Replica } from './replica.js';
import { MESH } from './topology.js';

export interface ApplyAnswer {
  readonly change: string;
  readonly revision: number;
  readonly warnings: readonly { readonly path: string; readonly message: string }[];
}

export interface ProxyAnswer {
  readonly namespace: string;
  readonly instance: string;
  readonly connected: boolean;
  readonly routable: boolean;
  readonly connectedSince?: string;
  readonly types: readonly {
    readonly type: string;
    readonly state: string;
    readonly refused: readonly { readonly name: string; readonly message: string }[];
  }[];
}

interface Progress {
  readonly state: string;
  readonly total: number;
  readonly acked: number;
  readonly elapsedMs: number;
  readonly refused: readonly { readonly proxy: string; readonly message: string }[];
  /** Proxies that have not confirmed it yet. */
  readonly behind: readonly { readonly proxy: string }[];
}

/** Everything that the steps work with. */
export interface Shop {
  readonly controlPlane: ControlPlane;
  readonly replicas: Map<string, Replica>;
  readonly manifestDir: string;
  readonly startReplica: (name: string) => Promise<Replica>;
  /** How much slower this machine is than the one that time limits are meant for; at least 1. */
  readonly slowness: number;
}

export function replica(shop: Shop, name: string): Replica {
  const found = shop.replicas.get(name);
  if (!found) throw new Error(`no replica ${name}`);
  return found;
}

/** Applies manifests of the demo's folder, as `heddle apply -f` does. */
export async function applyFile(shop: Shop, file: string, message: string): Promise<ApplyAnswer> {
  const text = await readFile(join(shop.manifestDir, file), 'utf8');
  return apply(
    shop,
    parseAllDocuments(text).map((document) => document.toJS() as unknown),
    message,
  );
}

export function apply(shop: Shop, manifests: readonly unknown[], message: string): Promise<ApplyAnswer> {
  return shop.controlPlane.request('POST', `/api/v1/meshes/${MESH}/apply`, { manifests, message });
}

export async function remove(shop: Shop, plural: string, name: string): Promise<void> {
  await shop.controlPlane.request('DELETE', `/api/v1/meshes/${MESH}/namespaces/shop/${plural}/${name}`);
}

export async function proxies(shop: Shop): Promise<readonly ProxyAnswer[]> {
  return (await shop.controlPlane.request<{ items: readonly ProxyAnswer[] }>('GET', `/api/v1/meshes/${MESH}/proxies`))
    .items;
}

/** Waits until every Envoy that a change concerned has ACKed it. @returns what the control plane measured */
export async function delivered(shop: Shop, answer: ApplyAnswer): Promise<Progress> {
  return until(`change ${answer.change} is delivered`, 10_000 * shop.slowness, async () => {
    const progress = await progressOf(shop, answer.change);
    if (progress.state !== 'Delivering') return progress;
    const behind = progress.behind.map(({ proxy }) => proxy);
    throw new Error(`${progress.acked} of ${progress.total}, waiting for ${behind.join(', ')}`);
  });
}

export async function progressOf(shop: Shop, change: string): Promise<Progress> {
  const path = `/api/v1/meshes/${MESH}/changes/${change}`;
  return (await shop.controlPlane.request<{ delivery: Progress }>('GET', path)).delivery;
}

export function proveNone(
  failures: readonly { readonly status: number; readonly body: string }[],
  sent: number,
  what: string,
): void {
  prove(
    failures.length === 0,
    `${what}: ${sent} requests, none failed`,
    failures.slice(0, 3).map((failure) => `${failure.status} ${failure.body.slice(0, 200)}`),
  );
}
