/** Which policy wins: the one place that knows, for all kinds. */
import { compareCodeUnits } from '#libs/kernel';
import { type Source, TARGET_LEVELS } from './domain.js';
import type { Contribution, Field } from './policy.js';

/**
 * Orders contributions: more specific target first, then the older (by creation revision, so that no clock is
 * involved), then by namespace/name in code units. A sorted copy, the same for every order of the input.
 */
export function orderContributions<Spec>(contributions: readonly Contribution<Spec>[]): readonly Contribution<Spec>[] {
  return [...contributions].sort(
    (a, b) =>
      TARGET_LEVELS.indexOf(a.level) - TARGET_LEVELS.indexOf(b.level) ||
      a.source.createdRevision - b.source.createdRevision ||
      compareCodeUnits(`${a.source.namespace}/${a.source.name}`, `${b.source.namespace}/${b.source.name}`),
  );
}

/** A spec after merging: each field that somebody set, with who set it. */
export type Merged<Spec> = { readonly [Name in keyof Spec]?: Field<Exclude<Spec[Name], undefined>> };

/**
 * Merges specs field by field, as they are ordered: of each field the first contribution that sets it wins, the others
 * are listed as shadowed. Fields are the top-level ones; a nested object is one value. Fields that nobody sets are absent.
 */
export function mergeFields<Spec extends object>(contributions: readonly Contribution<Spec>[]): Merged<Spec> {
  const merged = new Map<string, { value: unknown; from: Source; shadowed: Source[] }>();
  for (const { spec, source } of contributions) {
    for (const [name, value] of Object.entries(spec)) {
      if (value === undefined) continue;
      const field = merged.get(name);
      if (field) field.shadowed.push(source);
      else merged.set(name, { value, from: source, shadowed: [] });
    }
  }
  // The names are those of Spec, which the type of a Map cannot say.
  return Object.fromEntries(merged) as unknown as Merged<Spec>;
}

/** Every source that contributes at least one of the fields, without duplicates, in the order of the fields. */
export function contributorsOf(merged: Readonly<Record<string, Field<unknown> | undefined>>): readonly Source[] {
  const sources = new Map<string, Source>();
  for (const field of Object.values(merged)) {
    if (field) sources.set(`${field.from.kind}/${field.from.namespace}/${field.from.name}`, field.from);
  }
  return [...sources.values()];
}
