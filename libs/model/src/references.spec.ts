import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRegistry, isReferenceAllowed, parseDocuments, type ReferenceGrant, referencesOf } from './index.js';

const registry = createRegistry([]);
const SOURCE = { kind: 'Any', namespace: 'shop', name: 'any', revision: 2, createdRevision: 1 };

function domainOf(file: string) {
  const [document] = parseDocuments(readFileSync(`${import.meta.dirname}/../testdata/${file}`, 'utf8'));
  const parsed = registry.parse(document?.result.ok ? document.result.value : undefined, 'default');
  if (!document || !parsed.ok) throw new Error(`${file} is no good document`);
  return { document, value: parsed.value.toDomain(SOURCE), manifest: parsed.value.manifest };
}

describe('references of a resource', () => {
  it('point at the place in the manifest that names them', () => {
    const { value, manifest } = domainOf('http-route/all-features.yaml');
    const references = referencesOf(value);
    expect(references.length).toBe(2 + 2 + 3 + 1);
    for (const { path, to } of references) {
      const at = path
        .split('/')
        .slice(1)
        .reduce<unknown>(
          (node, key) => (typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined),
          manifest,
        );
      expect(at).toMatchObject({ name: to.name });
    }
    expect(references.find(({ subset }) => subset === 'green')?.path).toBe('/spec/rules/0/backendRefs/1');
    expect(references.find(({ to }) => to.namespace === 'lab')?.path).toBe(
      '/spec/rules/0/filters/3/requestMirror/backendRef',
    );
  });

  it('include the dependencies of a service, in its own namespace unless they name one', () => {
    const { value } = domainOf('service/all-fields.yaml');
    expect(referencesOf(value).map(({ to }) => `${to.namespace}/${to.name}`)).toEqual(['shop/payments', 'stock/items']);
  });
});

describe('references across namespaces', () => {
  const grant: ReferenceGrant = {
    source: SOURCE,
    namespace: 'billing',
    from: [{ kind: 'HTTPRoute', namespace: 'shop' }],
    to: [
      { kind: 'Service', name: 'stripe' },
      { kind: 'ExternalService', name: undefined },
    ],
  };
  const route = { kind: 'HTTPRoute', namespace: 'shop' };
  it.each([
    ['the same namespace', route, { kind: 'Service', namespace: 'shop', name: 'a' }, [], true],
    ['no grant', route, { kind: 'Service', namespace: 'billing', name: 'stripe' }, [], false],
    ['a grant by name', route, { kind: 'Service', namespace: 'billing', name: 'stripe' }, [grant], true],
    ['a grant for another name', route, { kind: 'Service', namespace: 'billing', name: 'other' }, [grant], false],
    ['a grant for all of a kind', route, { kind: 'ExternalService', namespace: 'billing', name: 'x' }, [grant], true],
    ['a grant of another namespace', route, { kind: 'Service', namespace: 'stock', name: 'stripe' }, [grant], false],
    [
      'a grant for another kind',
      { kind: 'GRPCRoute', namespace: 'shop' },
      { kind: 'Service', namespace: 'billing', name: 'stripe' },
      [grant],
      false,
    ],
    [
      'a grant for another origin',
      { kind: 'HTTPRoute', namespace: 'lab' },
      { kind: 'Service', namespace: 'billing', name: 'stripe' },
      [grant],
      false,
    ],
  ] as const)('with %s', (_, from, to, grants, allowed) => {
    expect(isReferenceAllowed(from, to, grants)).toBe(allowed);
  });
});
