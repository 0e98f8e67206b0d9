import type { Registry } from '#libs/model';

/** This annotation says when a {@link mistaken} registry throws: when the document is read, or when its meaning is asked for. */
export const MISTAKE = 'example.com/mistake';

/** A build with a mistake in it: it throws over documents that say so, as another one would over certain specs. */
export const mistaken = (registry: Registry): Registry => ({
  ...registry,
  parse(document, mesh) {
    const mistake = mistakeOf(document);
    if (mistake === 'reading') throw new Error('a mistake in reading');
    const parsed = registry.parse(document, mesh);
    if (!parsed.ok || mistake !== 'evaluating') return parsed;
    const toDomain = (): never => {
      throw new Error('a mistake in evaluating');
    };
    return { ok: true, value: { ...parsed.value, toDomain } };
  },
});

const mistakeOf = (document: unknown): string | undefined =>
  (document as { metadata?: { annotations?: Record<string, string> } }).metadata?.annotations?.[MISTAKE];
