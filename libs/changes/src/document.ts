import { pointer, type Violation } from '#libs/kernel';
import { DEFAULT_NAMESPACE, type Manifest, type Registry, type ResourceId } from '#libs/model';
import type { StoredResource } from '#libs/store';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What a document says it is, before anything of it was checked; parts that it does not say are ''. */
export function claimedId(registry: Registry, document: unknown): ResourceId {
  if (!isObject(document)) return { kind: '', namespace: '', name: '' };
  const metadata = isObject(document['metadata']) ? document['metadata'] : {};
  const kind = text(document['kind']);
  const info = registry.kinds.find((k) => k.kind === kind);
  const namespace = info?.scope === 'mesh' ? '' : text(metadata['namespace']) || DEFAULT_NAMESPACE;
  return { kind, namespace, name: text(metadata['name']) };
}

/** The document with the members of its identity that it left out; what it does say stays as it is. */
export function withIdentity(document: unknown, id: ResourceId): unknown {
  if (!isObject(document)) return document;
  const metadata = document['metadata'] === undefined ? {} : document['metadata'];
  if (!isObject(metadata)) return document;
  return {
    ...document,
    kind: document['kind'] ?? id.kind,
    metadata: {
      ...metadata,
      name: metadata['name'] ?? id.name,
      ...(id.namespace === '' ? {} : { namespace: metadata['namespace'] ?? id.namespace }),
    },
  };
}

/** What differs between a document's identity and the one it was sent to. */
export function identityViolations(manifest: Manifest, id: ResourceId): Violation[] {
  const is = { kind: manifest.kind, namespace: manifest.metadata.namespace, name: manifest.metadata.name };
  const mismatch = (path: string, said: string, meant: string): Violation[] =>
    said === meant
      ? []
      : [
          {
            path,
            code: 'path-mismatch',
            message: `the document says "${said}", the address "${meant}": make them equal`,
          },
        ];
  return [
    ...mismatch('/kind', is.kind, id.kind),
    ...mismatch('/metadata/namespace', is.namespace, id.namespace),
    ...mismatch('/metadata/name', is.name, id.name),
  ];
}

/** The manifest of a stored resource, normalised. */
export function toManifest(resource: StoredResource): Manifest {
  return {
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: {
      name: resource.name,
      namespace: resource.namespace,
      labels: resource.labels,
      annotations: resource.annotations,
    },
    spec: resource.spec,
  };
}

/** The same as its author would write it: a kind of the whole mesh has no namespace, not an empty one. */
export const toDocument = (resource: StoredResource): Record<string, unknown> => toDocumentOf(toManifest(resource));

export function toDocumentOf({ metadata, ...rest }: Manifest): Record<string, unknown> {
  const { namespace, ...others } = metadata;
  return { ...rest, metadata: namespace === '' ? others : metadata };
}

/** Where a document writes a host name; the list itself if it only follows from something else. */
export function hostnamePath(manifest: Manifest, hostname: string): string {
  const list = manifest.spec['hostnames'];
  const index = Array.isArray(list) ? list.findIndex((h) => text(h).toLowerCase() === hostname) : -1;
  return index < 0 ? '/spec/hostnames' : pointer('spec', 'hostnames', index);
}
