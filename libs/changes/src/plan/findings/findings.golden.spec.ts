import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Instance, printId, type ResourceId } from '#libs/model';
import { policies } from '#policies';
import { instance } from '../../../../testing/src/builders/index.js';
import { goldenSuite } from '../../../../testing/src/golden/index.js';
import { StillMesh } from '../../../testing/still-mesh.js';
import { FINDINGS, type Finding } from './types.js';

/** What a case says: the mesh as it is, who runs in it, and what is planned. */
interface Case {
  readonly mesh: readonly unknown[];
  /** `<namespace>/<name>`, and what differs from a ready instance of its workload. */
  readonly instances?: Readonly<Record<string, Partial<Instance> | null>>;
  readonly plan?: readonly unknown[];
  readonly delete?: readonly ResourceId[];
}

const printed = ({ resource, by, introduced, ...finding }: Finding) => ({
  ...finding,
  resource: printId(resource),
  ...(by.length > 0 ? { by: by.map(printId) } : {}),
  ...(introduced ? {} : { introduced }),
});

/** `tc` of documents that leave out what every manifest has. */
async function produce(input: string): Promise<Readonly<Record<string, unknown>>> {
  const { mesh, instances = {}, plan = [], delete: deletes = [] } = parse(input) as Case;
  const still = new StillMesh(policies).put(...mesh);
  still.join(...Object.entries(instances).map(([id, fields]) => instance(id, fields ?? {})));
  const { effect } = await still.plan({ documents: plan, deletes });
  return {
    findings: effect.findings.map(printed),
    resolved: effect.resolved.map(({ code, resource }) => `${code} of ${printId(resource)}`),
  };
}

goldenSuite({
  title: 'findings',
  directory: join(import.meta.dirname, '../../../testdata/findings'),
  layout: 'files',
  produce: async (input) => ({ plan: await produce(input) }),
});

describe('the page of findings', () => {
  it('explains every code there is, with its severity, and none else', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../../docs/findings.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `([-a-z]+)` \| (\w+) \|/gm)].map(([, code, severity]) => [code, severity]);
    expect(Object.fromEntries(listed)).toEqual(FINDINGS);
  });
});
