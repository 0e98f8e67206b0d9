import { describe, expect, it } from 'vitest';
import { MISTAKE, mistaken, storedRow } from '../../testing/src/builders/index.js';
import { createRegistry, readStored, whyUnreadable } from './index.js';

const registry = mistaken(createRegistry([]));
const service = storedRow('Service', 'shop', 'web', { ports: [{ name: 'http', port: 80, protocol: 'http' }] }, 7);
const role = storedRow('Role', '', 'reader', { rules: [{ verbs: ['get'], kinds: ['Service'] }] });

describe('a stored document', () => {
  it.each([service, role])('of kind $kind means what it says, at the revision of its last write', (row) => {
    const { kind, namespace, name, updatedRevision: revision, createdRevision } = row;
    const read = readStored(registry, 'default', row);
    expect(read).toMatchObject({ ok: true, value: { type: kind, value: { name } } });
    if (kind === 'Service')
      expect(read).toMatchObject({
        value: { value: { source: { kind, namespace, name, revision, createdRevision } } },
      });
  });

  it.each([
    ['its kind no longer accepts', { ...service, spec: { once: true } }, /^\/spec\/ports: .*; \/spec\/once: /],
    ['of a kind that is not known', { ...service, kind: 'Sidecar' }, /^\/kind: /],
    [
      'a build throws over when it reads it',
      { ...service, annotations: { [MISTAKE]: 'reading' } },
      /a mistake in reading$/,
    ],
    [
      'a build throws over when it asks what it means',
      { ...service, annotations: { [MISTAKE]: 'evaluating' } },
      /^\/spec: cannot be evaluated by this build: a mistake in evaluating$/,
    ],
  ])('that %s has no meaning, and the reason', (_, row, reason) => {
    const read = readStored(registry, 'default', row);
    expect(read.ok ? 'a meaning' : whyUnreadable(read.error)).toMatch(reason);
  });
});
