import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { findKind, isInstances } from '../kinds.js';
import { printAs, table } from '../output.js';
import { hasLabels, parseSelector } from '../selector.js';

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
  readonly labels: Readonly<Record<string, string>>;
  readonly bind: { readonly address: string };
  readonly status: { readonly routable: boolean; readonly leaving: boolean; readonly envoyVersion: string };
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
      if (name !== undefined) requireNoFilter(name, flags);
      parseSelector(flags.selector ?? '');
      if (isInstances(kind)) await showInstances(s, name, flags);
      else await showResources(s, { kind, name, flags });
    });
}

/** A filter that would do nothing is a misunderstanding. */
function requireNoFilter(name: string, { allNamespaces, selector }: Flags): void {
  if (allNamespaces) throw new CliError(`${name} is of one namespace: give it with -n instead of -A`, EXIT.usage);
  if (selector !== undefined) throw new CliError(`give either the name ${name} or --selector`, EXIT.usage);
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
  return `${s.namespacePath}/${kind.plural}`;
}

/** `ok`, or the reasons of the conditions that do not hold. */
function conditions(status: Item['status']): string {
  const bad = (status?.conditions ?? []).filter((condition) => condition.status !== 'True');
  return bad.length === 0 ? 'ok' : bad.map((condition) => `${condition.type}: ${condition.reason}`).join(', ');
}

export async function all<T>(s: Session, path: string, selector: string | undefined): Promise<T[]> {
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
  const base = flags.allNamespaces ? s.meshPath : s.namespacePath;
  if (name !== undefined) {
    const one = await s.rest.get<InstanceItem>(`${base}/instances/${encodeURIComponent(name)}`);
    printAs(s.format === 'table' ? 'yaml' : s.format, one, () => '');
    return;
  }
  // The API lists instances without a filter.
  const wanted = parseSelector(flags.selector ?? '');
  const answer = await s.rest.get<{ items: InstanceItem[] }>(`${base}/instances`);
  const items = answer.items.filter(({ labels }) => hasLabels(labels, wanted));
  const rows = items.map((one) => [
    one.namespace,
    one.name,
    one.workload,
    one.bind.address,
    one.status.leaving ? 'leaving' : one.status.routable ? 'yes' : 'no',
    one.status.envoyVersion,
  ]);
  printAs(s.format, { items }, () => table(['namespace', 'name', 'workload', 'address', 'routable', 'envoy'], rows));
}
