import { describe, expect, it } from 'vitest';
import { type Log, silentLog } from '#libs/kernel';
import { createRegistry } from '#libs/model';
import type { StoredResource } from '#libs/store';
import { bigMesh, MISTAKE, mistaken, storedRow } from '../../../testing/src/builders/index.js';
import { RolePolicies } from './role-policies.js';

const registry = mistaken(createRegistry([]));
const role = (name: string): StoredResource =>
  storedRow('Role', '', name, { rules: [{ verbs: ['get'], kinds: ['Service'] }] });
const binding = (name: string): StoredResource =>
  storedRow('RoleBinding', '', name, { role: 'viewer', subjects: [{ kind: 'Token', name: 'sam' }] });

describe('REL-25 a stored role or binding that a build throws over', () => {
  it.each(['reading', 'evaluating'])(
    'when %s it gives nothing and says so, and the others give what they did',
    (mistake) => {
      const said: unknown[] = [];
      const log: Log = { ...silentLog, error: (_, fields) => said.push(fields) };
      const feed = { connected: true, poke: () => Promise.resolve() };
      const policies = new RolePolicies({ registry, feed, log });
      const bad = { annotations: { [MISTAKE]: mistake } };
      const resources = [role('bad'), role('good'), binding('bad'), binding('good')].map((row) =>
        row.name === 'bad' ? { ...row, ...bad } : row,
      );
      policies.onEvent({ kind: 'snapshot', snapshot: { ...bigMesh({ services: 0 }), resources } });
      expect(policies.rolesIn('default').map(({ name }) => name)).toEqual(['good']);
      expect(policies.bindingsIn('default').map(({ name }) => name)).toEqual(['good']);
      expect(said).toMatchObject([{ resource: 'Role bad' }, { resource: 'RoleBinding bad' }]);
    },
  );
});
