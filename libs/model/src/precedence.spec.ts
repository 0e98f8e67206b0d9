import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Contribution,
  contributorsOf,
  mergeFields,
  orderContributions,
  TARGET_LEVELS,
  type TargetLevel,
} from './index.js';

interface Spec {
  readonly a?: number | undefined;
  readonly b?: number | undefined;
}

const contribution = (
  level: TargetLevel,
  createdRevision: number,
  name: string,
  spec: Spec = {},
): Contribution<Spec> => ({
  level,
  spec,
  source: { kind: 'X', namespace: 'shop', name, revision: 9, createdRevision },
});

describe('precedence of policies', () => {
  it('puts the more specific target first, then the older, then the name', () => {
    const ordered = orderContributions([
      contribution('Mesh', 1, 'mesh'),
      contribution('Service', 7, 'b'),
      contribution('Service', 7, 'a'),
      contribution('Service', 3, 'z'),
      contribution('RouteRule', 9, 'rule'),
    ]);
    expect(ordered.map(({ source }) => source.name)).toEqual(['rule', 'z', 'a', 'b', 'mesh']);
  });

  it('does not depend on the order of the input', () => {
    const arbitrary = fc.uniqueArray(
      fc.tuple(fc.constantFrom(...TARGET_LEVELS), fc.nat(3), fc.constantFrom('a', 'b', 'B', 'é')),
      {
        selector: ([level, revision, name]) => `${level}${revision}${name}`,
      },
    );
    fc.assert(
      fc.property(arbitrary, fc.nat(), (items, seed) => {
        const list = items.map((item) => contribution(...item));
        const shuffled = [...list].sort(
          (a, b) => ((seed * (list.indexOf(a) + 1)) % 7) - ((seed * (list.indexOf(b) + 1)) % 7),
        );
        expect(orderContributions(shuffled)).toEqual(orderContributions(list));
      }),
    );
  });

  it('merges field by field and names who set a field and who lost it', () => {
    const list = [
      contribution('Service', 1, 'service', { a: 0 }),
      contribution('Namespace', 1, 'namespace', { a: 1, b: 2 }),
      contribution('Mesh', 1, 'mesh', { b: undefined, a: 3 }),
    ];
    const merged = mergeFields(list);
    expect(merged.a?.value).toBe(0);
    expect(merged.a?.shadowed.map(({ name }) => name)).toEqual(['namespace', 'mesh']);
    expect(merged.b).toEqual({ value: 2, from: list[1]?.source, shadowed: [] });
    expect(contributorsOf(merged).map(({ name }) => name)).toEqual(['service', 'namespace']);
  });
});
