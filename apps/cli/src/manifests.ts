import { z } from 'zod';
import type { SourceDocument } from './documents.js';

const mentions = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
});

/** What a manifest is about, `undefined` when it does not say. */
export function subjectOf(
  document: unknown,
): { kind: string; name: string; namespace?: string | undefined } | undefined {
  const parsed = mentions.safeParse(document);
  return parsed.success ? { kind: parsed.data.kind, ...parsed.data.metadata } : undefined;
}

/** The mesh that these documents make, when they are about that mesh and nothing else. */
export function soleMesh(documents: readonly SourceDocument[]): string | undefined {
  const subjects = documents.map(({ document }) => subjectOf(document));
  const [first] = subjects;
  const same = subjects.every((one) => one?.kind === 'Mesh' && one.name === first?.name);
  return same ? first?.name : undefined;
}

/** A manifest without a namespace goes to the one of the flag or context; the server does the same with `default`. */
export function inNamespace(document: unknown, namespace: string): unknown {
  if (namespace === 'default' || typeof document !== 'object' || document === null || !('metadata' in document))
    return document;
  const { metadata } = document;
  if (typeof metadata !== 'object' || metadata === null || 'namespace' in metadata) return document;
  if ('kind' in document && document.kind === 'Mesh') return document;
  return { ...document, metadata: { ...metadata, namespace } };
}

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) });

/** A label of a manifest, `undefined` when it has none. */
export function labelOf(document: unknown, label: string): string | undefined {
  const parsed = labelled.safeParse(document);
  return parsed.success ? parsed.data.metadata.labels[label] : undefined;
}
