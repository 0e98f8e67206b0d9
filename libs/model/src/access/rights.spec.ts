import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRegistry } from '../create-registry.js';
import { needsIncludeSecurity } from '../kind-groups.js';
import { EVERY_MESH, type Extent, SERVER, VERBS } from './permissions.js';
import { type Grant, Rights, within } from './rights.js';
import { BUILT_IN_ROLES, type BuiltInRole, builtInRules, grantsOf } from './roles.js';

const { kinds } = createRegistry([]);
const everywhere = { mesh: EVERY_MESH, namespaces: [], labels: {}, from: '' };
const rightsOf = (role: BuiltInRole, scope: Partial<typeof everywhere> = {}): Rights =>
  new Rights(grantsOf(builtInRules(role, kinds), kinds, { ...everywhere, ...scope }));

const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const set = <T>(...values: readonly T[]) =>
  fc.option(
    fc.uniqueArray(some(...values), { minLength: 1 }).map((list) => new Set(list)),
    { nil: undefined },
  );
const labels = fc.dictionary(some('team', 'tier'), some('a', 'b'), { noNullPrototype: true });
const grant: fc.Arbitrary<Grant> = fc.record({
  verbs: fc.uniqueArray(some(...VERBS), { minLength: 1, maxLength: 3 }).map((list) => new Set(list)),
  kinds: set('Service', 'Role'),
  mesh: some(EVERY_MESH, 'm', 'n', SERVER),
  namespaces: set('', 'shop', 'bank'),
  names: set('x', 'y'),
  labels,
  from: fc.constant('test'),
});
const object: fc.Arbitrary<Required<Extent>> = fc.record({
  verb: some(...VERBS),
  kind: some('Service', 'Role', 'Mesh'),
  mesh: some('m', 'n', 'o', SERVER),
  namespace: some('', 'shop', 'bank', 'other'),
  name: some('x', 'y', 'z'),
  labels,
});
/** What somebody holds, and what he would give: half the time one of his own, or one that is alike. */
const heldAndWanted = fc.array(grant, { minLength: 1, maxLength: 4 }).chain((held) =>
  fc.tuple(
    fc.constant(held),
    fc.oneof(
      grant,
      fc.constantFrom(...held),
      fc.tuple(fc.constantFrom(...held), grant).map(([own, other]) => ({ ...own, mesh: other.mesh })),
    ),
  ),
);
const RUNS = { numRuns: 2_000 };

describe('rights', () => {
  it('SEC-34: whoever lacks nothing of what he gives could do himself what it permits', () => {
    let given = 0;
    fc.assert(
      fc.property(heldAndWanted, object, ([held, wanted], act) => {
        const giver = new Rights(held);
        if (giver.lacks([wanted]).length > 0) return;
        given += 1;
        if (new Rights([wanted]).covers(act)) expect(giver.covers(act)).toBe(true);
      }),
      RUNS,
    );
    expect(given).toBeGreaterThan(RUNS.numRuns / 10); // it was about something
  });

  it('SEC-34: a holder lacks nothing of what he holds', () => {
    fc.assert(
      fc.property(fc.array(grant), (held) => {
        expect(new Rights(held).lacks(held)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('what is covered is touched, and what is touched by nothing is covered by nothing', () => {
    fc.assert(
      fc.property(fc.array(grant), object, (held, act) => {
        const rights = new Rights(held);
        if (rights.covers(act)) expect(rights.touches(act) && rights.isIn(act.mesh)).toBe(true);
      }),
      RUNS,
    );
  });

  it('SEC-34: a token that is for some meshes has nothing outside of them', () => {
    fc.assert(
      fc.property(fc.array(grant), object, (held, act) => {
        const rights = new Rights(within(['m'], held));
        expect(rights.covers(act)).toBe(act.mesh === 'm' && new Rights(held).covers(act));
      }),
      RUNS,
    );
  });

  it('a whole namespace is more than what has a label in it', () => {
    const rights = rightsOf('editor', { namespaces: ['shop'] as never[], labels: { team: 'a' } });
    const act = { verb: 'update', kind: 'Service', mesh: 'm', namespace: 'shop', name: 'x' } as const;
    expect([rights.covers(act), rights.covers({ ...act, labels: { team: 'a', tier: 'b' } })]).toEqual([false, true]);
  });

  it('a role that names other namespaces or labels than its binding gives none', () => {
    const rule = {
      verbs: ['*'],
      kinds: ['*'],
      groups: [],
      namespaces: ['bank'],
      names: [],
      labels: { team: 'b' },
    } as const;
    expect(grantsOf([rule], kinds, { ...everywhere, namespaces: ['shop'] })).toEqual([]);
    expect(grantsOf([rule], kinds, { ...everywhere, labels: { team: 'a' } })).toEqual([]);
    expect(grantsOf([rule], kinds, { ...everywhere, namespaces: ['bank', 'shop'] })).toMatchObject([
      { namespaces: new Set(['bank']), labels: { team: 'b' } },
    ]);
  });
});

describe('built-in roles', () => {
  it.each([
    ['viewer', 'editor'],
    ['viewer', 'operator'],
    ['editor', 'operator'],
    ['auditor', 'security'],
    ['viewer', 'auditor'],
    ...BUILT_IN_ROLES.map((role) => [role, 'admin'] as const),
  ] as const)('%s has nothing that %s has not', (less, more) => {
    expect(rightsOf(more).lacks(rightsOf(less).grants)).toEqual([]);
  });

  it('only an admin grants, and only he makes tokens', () => {
    for (const role of BUILT_IN_ROLES) {
      const may = (verb: Extent['verb'], kind: string) => rightsOf(role).touches({ verb, kind, mesh: 'm' });
      const granting = [
        may('create', 'RoleBinding'),
        may('bind', 'Role'),
        may('escalate', 'Role'),
        may('create', 'ApiToken'),
      ];
      expect(granting, role).toEqual(granting.map(() => role === 'admin'));
    }
  });

  it('rollback and prune leave administration, security and Mesh alone unless told otherwise', () => {
    expect(kinds.filter(needsIncludeSecurity).map(({ kind }) => kind)).toEqual(['Mesh', 'RoleBinding', 'Role']);
    expect(needsIncludeSecurity({ kind: 'AuthorizationPolicy', group: 'security' })).toBe(true);
  });
});
