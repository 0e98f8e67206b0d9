import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { goldenSuite } from '#libs/testing';
import { createRegistry, parseDocuments } from './index.js';

const registry = createRegistry([]);
const testdata = join(import.meta.dirname, '../testdata');

/** Good documents give their meaning, the others every violation. */
function outcome(input: string): Record<string, unknown> {
  const parsed = parseDocuments(input).map(({ result }) =>
    result.ok ? registry.parse(result.value, 'default') : result,
  );
  const violations = parsed.flatMap((each, index) =>
    each.ok ? [] : [{ document: index + 1, violations: each.error }],
  );
  if (violations.length > 0) return { violations };
  return {
    domain: parsed.flatMap((each) => {
      if (!each.ok) return [];
      const { manifest, hostnames, warnings, toDomain } = each.value;
      const { namespace, name } = manifest.metadata;
      const source = { kind: manifest.kind, namespace, name, revision: 2, createdRevision: 1 };
      return [{ hostnames, warnings, ...toDomain(source) }];
    }),
  };
}

for (const { name } of readdirSync(testdata, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  goldenSuite({ title: `goldens of ${name}`, directory: join(testdata, name), layout: 'files', produce: outcome });
}
