import { expect, it } from 'vitest';
import { createRegistry } from '#libs/model';
import { bigMesh, MISTAKE, mistaken } from '../../../testing/src/builders/index.js';
import { MeshNames } from './mesh-names.js';

it.each(['reading', 'evaluating'])(
  'REL-25 a service that a build throws over when %s it has no name; the others have theirs',
  (mistake) => {
    const names = new MeshNames(mistaken(createRegistry([])));
    const snapshot = bigMesh({ services: 3 });
    const resources = snapshot.resources.map((row) =>
      row.name === 'svc-1' ? { ...row, annotations: { [MISTAKE]: mistake } } : row,
    );
    names.onEvent({ kind: 'snapshot', snapshot: { ...snapshot, resources } });
    const known = ['ns0/svc-0', 'ns1/svc-1', 'ns2/svc-2'].map((key) => names.service('default', key)?.key);
    expect(known).toEqual(['ns0/svc-0', undefined, 'ns2/svc-2']);
  },
);
