import { expect, it } from 'vitest';
import { createRegistry } from '#libs/model';
import { policies } from '#policies';
import { kinds } from './kinds.js';

it('knows by name every kind that manifests are checked for, and no other', () => {
  const named = createRegistry(policies).kinds.map(({ kind, plural, aliases, scope }) => ({
    kind,
    plural,
    aliases,
    scope,
  }));
  expect(kinds().kinds.map(({ kind, plural, aliases, scope }) => ({ kind, plural, aliases, scope }))).toEqual(named);
});
