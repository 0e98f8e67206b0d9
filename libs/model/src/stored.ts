import { err, ok, type Result, type Violation } from '#libs/kernel';
import type { Manifest, ResourceId } from './manifest.js';
import type { DomainValue, Registry } from './registry.js';

/** A document as it is stored: what a meaning is made of. */
export interface StoredDocument
  extends ResourceId,
    Pick<Manifest, 'apiVersion' | 'spec'>,
    Pick<Manifest['metadata'], 'labels' | 'annotations'> {
  /** Config revision of its last write. */
  readonly updatedRevision: number;
  readonly createdRevision: number;
}

/**
 * What a stored document means, or why nothing can be made of it: its kind does not accept it any more, or this build
 * throws over it. Whoever reads all that is stored takes both for the same, since one document must not keep the others
 * from being read; what is being written throws, so that it is not written.
 */
export function readStored(
  registry: Registry,
  mesh: string,
  document: StoredDocument,
): Result<DomainValue, readonly Violation[]> {
  const { apiVersion, kind, namespace, name, labels, annotations, spec } = document;
  const metadata = { name, ...(namespace ? { namespace } : {}), labels, annotations };
  const { updatedRevision: revision, createdRevision } = document;
  try {
    const parsed = registry.parse({ apiVersion, kind, metadata, spec }, mesh);
    return parsed.ok ? ok(parsed.value.toDomain({ kind, namespace, name, revision, createdRevision })) : parsed;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err([{ path: '/spec', code: 'unreadable', message: `cannot be evaluated by this build: ${reason}` }]);
  }
}

/** Why nothing can be made of a stored document, in one line. */
export const whyUnreadable = (violations: readonly Violation[]): string =>
  violations.map(({ path, message }) => `${path}: ${message}`).join('; ');
