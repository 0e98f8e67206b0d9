import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { findKind } from '../kinds.js';
import { printAs, table } from '../output.js';

interface Item {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly version?: number;
    readonly updatedAt?: string;
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

interface InstanceItem {
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly bind: { readonly address: string };
  readonly status: { readonly routable: boolean; readonly envoyVersion: string };
}

interface Flags {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
}

export function getCommand(): Command {
  const command = new Command('get').description('show resources of a kind, or one of them');
  return remote(command)
    .argument('<kind>', 'kind, plural or short name: services, httproutes, instances, ...')
    .argument('[name]')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('-l, --selector <labels>', 'only those with these labels: a=b,c=d')
    .action(async (kind: string, name: string | undefined, flags: Flags) => {
      const s = session(flags);
      if (/^(instances?|inst)$/i.test(kind)) await showInstances(s, name, flags);
      else await showResources(s, { kind, name, flags });
    });
}

async function showResources(
  s: Session,
  what: { kind: string; name: string | undefined; flags: Flags },
): Promise<void> {
  const kind = findKind(what.kind);
  const path = collectionPath(s, kind, what.flags.allNamespaces === true);
  if (what.name !== undefined) {
    const one = await s.rest.get<Item>(
      kind.kind === 'Mesh'
        ? `/api/v1/meshes/${encodeURIComponent(what.name)}`
        : `${path}/${encodeURIComponent(what.name)}`,
    );
    printAs(s.format === 'table' ? 'yaml' : s.format, one, () => '');
    return;
  }
  const items = await all<Item>(s, path, what.flags.selector);
  const rows = items.map(({ metadata, status }) => [
    metadata.namespace ?? '',
    metadata.name,
    String(metadata.version ?? ''),
    conditions(status),
    metadata.updatedAt ?? '',
  ]);
  printAs(s.format, { items }, () => table(['namespace', 'name', 'version', 'status', 'updated'], rows));
}

export function collectionPath(
  s: Session,
  kind: { readonly kind: string; readonly plural: string; readonly scope: string },
  everywhere: boolean,
): string {
  if (kind.kind === 'Mesh') return '/api/v1/meshes';
  if (kind.scope === 'mesh' || everywhere) return `${s.meshPath}/${kind.plural}`;
  return `${s.meshPath}/namespaces/${encodeURIComponent(s.context.namespace)}/${kind.plural}`;
}

/** `ok`, or the reasons of the conditions that do not hold. */
function conditions(status: Item['status']): string {
  const bad = (status?.conditions ?? []).filter((condition) => condition.status !== 'True');
  return bad.length === 0 ? 'ok' : bad.map((condition) => `${condition.type}: ${condition.reason}`).join(', ');
}

async function all<T>(s: Session, path: string, selector: string | undefined): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({
      limit: '500',
      ...(selector ? { labelSelector: selector } : {}),
      ...(cursor ? { cursor } : {}),
    });
    const page = await s.rest.get<{ items: T[]; cursor?: string }>(`${path}?${query}`);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor);
  return items;
}

async function showInstances(s: Session, name: string | undefined, flags: Flags): Promise<void> {
  const base = flags.allNamespaces ? s.meshPath : `${s.meshPath}/namespaces/${encodeURIComponent(s.context.namespace)}`;
  if (name !== undefined) {
    const one = await s.rest.get<InstanceItem>(`${base}/instances/${encodeURIComponent(name)}`);
    printAs(s.format === 'table' ? 'yaml' : s.format, one, () => '');
    return;
  }
  const { items } = await s.rest.get<{ items: InstanceItem[] }>(`${base}/instances`);
  const rows = items.map((one) => [
    one.namespace,
    one.name,
    one.workload,
    one.bind.address,
    one.status.routable ? 'yes' : 'no',
    one.status.envoyVersion,
  ]);
  printAs(s.format, { items }, () => table(['namespace', 'name', 'workload', 'address', 'routable', 'envoy'], rows));
}
