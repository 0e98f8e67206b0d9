/** Stored resources as their authors would write them. */
import { pathOfMesh, type Session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { findKind } from '../kinds.js';

export interface StoredManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: unknown;
}

type Answer = StoredManifest & { readonly metadata: { readonly labels?: object; readonly annotations?: object } };

/** Without what the server adds, and without what is empty. */
export function asWritten({ apiVersion, kind, metadata, spec }: Answer): StoredManifest {
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec,
  };
}

/** Undefined when there is none. */
export async function storedManifest(
  s: Session,
  { kind, namespace, name }: { readonly kind: string; readonly namespace?: string | undefined; readonly name: string },
): Promise<StoredManifest | undefined> {
  const info = findKind(kind);
  const home = info.scope === 'mesh' ? '' : `/namespaces/${encodeURIComponent(namespace ?? s.context.namespace)}`;
  const path =
    info.kind === 'Mesh' ? pathOfMesh(name) : `${s.meshPath}${home}/${info.plural}/${encodeURIComponent(name)}`;
  try {
    return asWritten(await s.rest.get<Answer>(path));
  } catch (error) {
    if (error instanceof CliError && error.code === EXIT.notFound) return undefined;
    throw error;
  }
}
