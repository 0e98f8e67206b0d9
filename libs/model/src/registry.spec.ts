import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { createRegistry, type PolicyKind, parseDocuments } from './index.js';

const registry = createRegistry(policies);
const testdata = join(import.meta.dirname, '../testdata');

/** Every readable document of the goldens. */
const documents = readdirSync(testdata, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml') && !file.endsWith('.golden.yaml'))
  .flatMap((file) => parseDocuments(readFileSync(join(testdata, file), 'utf8')))
  .flatMap(({ result }) => (result.ok ? [result.value] : []));
const good = documents.filter((document) => registry.parse(document, 'default').ok);

const SOURCE = { kind: 'Any', namespace: 'shop', name: 'any', revision: 2, createdRevision: 1 };

describe('the registry', () => {
  it('finds kinds by kind, plural and alias in any letter case', () => {
    for (const name of ['Service', 'services', 'SVC', 'service']) expect(registry.find(name)?.kind).toBe('Service');
    expect(registry.find('httproutes')?.kind).toBe('HTTPRoute');
    expect(registry.find('retrypolicy')?.kind).toBe('RetryPolicy');
    expect(registry.find('constructor')).toBeUndefined();
  });

  it('refuses two kinds of one name', () => {
    const [first] = policies;
    expect(() => createRegistry([first, first] as PolicyKind[])).toThrow(/two kinds/);
  });

  it('gives every kind a JSON schema in which every field has a description', () => {
    for (const kind of registry.kinds) {
      const undescribed: string[] = [];
      collectUndescribed(kind.specSchema(), kind.kind, undescribed);
      expect(undescribed).toEqual([]);
    }
  });

  it('parses what it has parsed to the same meaning', () => {
    expect(good.length).toBeGreaterThan(8);
    for (const document of good) {
      const once = registry.parse(document, 'default');
      if (!once.ok) throw new Error('expected a good document');
      const twice = registry.parse(JSON.parse(JSON.stringify(once.value.manifest)), 'default');
      if (!twice.ok) throw new Error(JSON.stringify(twice.error));
      expect(twice.value.manifest).toEqual(once.value.manifest);
      expect(twice.value.toDomain(SOURCE)).toEqual(once.value.toDomain(SOURCE));
    }
  });

  it('hands out frozen domain values', () => {
    const parsed = good.map((document) => registry.parse(document, 'default'));
    const frozen = parsed.map((one) => one.ok && Object.isFrozen(one.value.toDomain(SOURCE).value));
    expect(frozen).toEqual(good.map(() => true));
  });

  it('SEC-37 never throws and never accepts an unknown field, whatever is done to a good document', () => {
    const path = fc.array(fc.nat(), { minLength: 1, maxLength: 8 });
    const junk = fc.oneof(
      fc.constant(undefined),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('__proto__', '\0', '..', -1, 1e308, Number.NaN),
    );
    const property = fc.property(fc.constantFrom(...good), path, junk, (document, steps, value) => {
      const changed = mutate(document, steps, value);
      const parsed = registry.parse(changed, 'default');
      if (parsed.ok) parsed.value.toDomain(SOURCE);
      else for (const violation of parsed.error) expect(violation.message.length).toBeGreaterThan(0);
      const extra = registry.parse(addField(document, steps), 'default');
      expect(extra.ok).toBe(false);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it('never throws for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => void registry.parse(value, 'default')),
      { numRuns: 200 },
    );
  });

  it('refuses bombs: deep nesting, cycles, values that JSON has not', () => {
    const cycle: Record<string, unknown> = {};
    cycle['spec'] = cycle;
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level++) deep = [deep];
    for (const bomb of [cycle, deep, { spec: new Date(0) }, { spec: 1n }, { spec: () => 1 }]) {
      expect(registry.parse(bomb, 'default').ok).toBe(false);
    }
  });
});

/** Walks the document by the steps, modulo what is there, and replaces what it finds. */
function mutate(document: unknown, steps: readonly number[], value: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof document !== 'object' || document === null) return value;
  const keys = Object.keys(document);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const copy: Record<string, unknown> = { ...document };
  copy[key] = mutate(copy[key], rest, value);
  return Array.isArray(document) ? Object.values(copy) : copy;
}

/** Adds a field that no object has, somewhere in `spec` where fields are fixed. */
function addField(document: unknown, steps: readonly number[]): unknown {
  const copy: { spec?: unknown } = structuredClone(document) ?? {};
  copy.spec ??= {};
  let at: unknown = copy.spec;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) break;
    const next: unknown = Object.entries(at).filter(([key]) => !/labels/i.test(key))[step % 3]?.[1];
    if (typeof next !== 'object' || next === null || Array.isArray(next)) break;
    at = next;
  }
  if (typeof at === 'object' && at !== null) Reflect.set(at, 'noSuchField', 1);
  return copy;
}

function collectUndescribed(schema: unknown, path: string, found: string[]): void {
  if (typeof schema !== 'object' || schema === null) return;
  const { properties, items, anyOf } = schema as { properties?: object; items?: unknown; anyOf?: unknown[] };
  for (const [name, property] of Object.entries(properties ?? {})) {
    if (typeof (property as { description?: unknown }).description !== 'string') found.push(`${path}.${name}`);
    collectUndescribed(property, `${path}.${name}`, found);
  }
  collectUndescribed(items, `${path}[]`, found);
  for (const each of anyOf ?? []) collectUndescribed(each, path, found);
}
