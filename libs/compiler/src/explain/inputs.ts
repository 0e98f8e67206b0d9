/** What the inputs of a graph are, in terms of who set them. */
import type { CellName, Ctx, InputKind } from '#libs/incremental';
import type { ResourceId, Source } from '#libs/model';
import { resourceOfInput } from '../input-ids.js';
import {
  CLIENT_POLICY,
  EXTERNAL,
  GRANT,
  INSTANCE,
  MESH,
  ONCE,
  ROUTABLE,
  ROUTE,
  SERVER_POLICY,
  SERVICE,
  WITHHELD,
} from '../inputs.js';
import { settingsOf } from '../mesh-settings.js';
import { destinationKey } from '../names.js';

/** A stored resource as the graph has it. */
export interface StoredInput {
  readonly type: 'resource';
  readonly id: ResourceId;
  /** Config revision of its last write; undefined = the graph does not know (Mesh, what no longer parses). */
  readonly revision: number | undefined;
  /** The stored document no longer parses. */
  readonly withheld: boolean;
}

export interface InstanceInput {
  readonly type: 'instance';
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly routable: boolean;
}

const SOURCED: ReadonlyMap<string, InputKind<{ readonly source: Source }>> = new Map(
  [SERVICE, EXTERNAL, GRANT, ROUTE, CLIENT_POLICY, SERVER_POLICY].map((kind) => [
    kind.name,
    kind as InputKind<{ readonly source: Source }>,
  ]),
);

/** Undefined for what nobody wrote: what does not exist, settings of the build, numbers, features. */
export function inputOf(ctx: Ctx, cell: CellName): StoredInput | InstanceInput | undefined {
  if (cell.kind === INSTANCE.name || cell.kind === ROUTABLE.name) return instanceOf(ctx, cell.key);
  const id = resourceOfInput(settingsOf(ctx).mesh, cell);
  if (!id) return undefined;
  const stored = { type: 'resource' as const, id };
  if (cell.kind === WITHHELD.name)
    return ctx.input(WITHHELD, cell.key) && { ...stored, revision: undefined, withheld: true };
  if (cell.kind === MESH.name) return ctx.input(MESH, ONCE) && { ...stored, revision: undefined, withheld: false };
  const kind = SOURCED.get(cell.kind);
  const value = kind && ctx.input(kind, cell.key);
  return value && { ...stored, revision: value.source.revision, withheld: false };
}

function instanceOf(ctx: Ctx, key: string): InstanceInput | undefined {
  const instance = ctx.input(INSTANCE, key);
  if (!instance) return undefined;
  const { namespace, name, workload } = instance;
  return { type: 'instance', namespace, name, workload, routable: ctx.input(ROUTABLE, key) === true };
}

/** Config revision of the last write of a resource, as the graph has it; undefined = it is not there, or does not say. */
export function revisionOf(ctx: Ctx, { kind, namespace, name }: ResourceId): number | undefined {
  const key = destinationKey(namespace, name);
  if (kind === 'Service') return ctx.input(SERVICE, key)?.source.revision;
  if (kind === 'ExternalService') return ctx.input(EXTERNAL, key)?.source.revision;
  return ctx.input(ROUTE, `${kind}/${key}`)?.source.revision;
}
