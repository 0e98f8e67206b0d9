import { z } from 'zod';
import { isDnsLabel, isDnsSubdomain, type Violation } from '#libs/kernel';
import { parseWith, violation, warning } from './issues.js';
import type { Manifest } from './manifest.js';
import { dnsLabel, dnsSubdomain, report, strict, text } from './schema-parts.js';

/** Label that pins a document to a mesh. */
export const MESH_LABEL = 'heddle.dev/mesh';
/** Where a document without `metadata.namespace` goes. */
export const DEFAULT_NAMESPACE = 'default';

/** What servers write into metadata: ours on GET, and those that exported documents carry. Dropped with a notice. */
const SERVER_FIELDS = [
  'uid',
  'managedFields',
  'version',
  'createdAt',
  'updatedAt',
  'revision',
  'generation',
  'resourceVersion',
  'creationTimestamp',
  'selfLink',
] as const;

const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** True for a key of a label or annotation: `[<DNS subdomain>/]<name>`, the name at most 63 characters. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  return LABEL_NAME.test(key.slice(slash + 1)) && (slash < 0 || isDnsSubdomain(key.slice(0, slash)));
}

const labelValue = () =>
  text('invalid-label', (value) =>
    LABEL_VALUE.test(value)
      ? undefined
      : 'must be a label value: at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit',
  );

/** Labels, by key. */
export const labelMap = () =>
  z.record(z.string(), labelValue()).superRefine((labels, sink) => {
    for (const key of Object.keys(labels)) {
      if (!isLabelKey(key))
        report(sink, 'invalid-label', 'is not a label key: [<dns subdomain>/]<name of at most 63>', [key]);
    }
  });

const MAX_ANNOTATIONS = 256 * 1024;

const annotationMap = () =>
  z.record(z.string(), z.string()).superRefine((annotations, sink) => {
    let size = 0;
    for (const [key, value] of Object.entries(annotations)) {
      size += key.length + value.length;
      if (!isLabelKey(key))
        report(sink, 'invalid-label', 'is not an annotation key: [<dns subdomain>/]<name of at most 63>', [key]);
    }
    if (size > MAX_ANNOTATIONS) report(sink, 'too-large', `must have at most ${MAX_ANNOTATIONS} characters in all`);
  });

const schema = (nameRule: 'label' | 'subdomain') =>
  strict({
    name: nameRule === 'label' ? dnsLabel() : dnsSubdomain(),
    // '' is how kinds of the whole mesh are written back: the same as none.
    namespace: z.preprocess((value) => (value === '' ? undefined : value), dnsLabel().optional()),
    labels: labelMap().optional(),
    annotations: annotationMap().optional(),
  });

const SCHEMAS = { label: schema('label'), subdomain: schema('subdomain') };

export interface MetadataRules {
  readonly kind: string;
  readonly scope: 'mesh' | 'namespace';
  readonly nameRule: 'label' | 'subdomain';
  /** The mesh that the document is applied to. */
  readonly mesh: string;
}

/** Parses `metadata`: server fields dropped with a notice, namespace filled in, the mesh's pin checked. */
export function parseMetadata(
  value: Readonly<Record<string, unknown>>,
  rules: MetadataRules,
): {
  readonly metadata: Manifest['metadata'] | undefined;
  readonly violations: readonly Violation[];
  readonly warnings: readonly Violation[];
} {
  const ignored = SERVER_FIELDS.filter((field) => Object.hasOwn(value, field));
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !ignored.some((field) => field === key)));
  const warnings = ignored.map((field) =>
    warning(['metadata', field], 'ignored-field', 'is written by the server and was ignored'),
  );
  const parsed = parseWith(SCHEMAS[rules.nameRule], rest, ['metadata']);
  const violations = [...parsed.violations, ...placement(rest, rules)];
  if (!parsed.value || violations.length > 0) return { metadata: undefined, violations, warnings };
  const { name, namespace, labels, annotations } = parsed.value;
  const home = rules.scope === 'mesh' ? '' : (namespace ?? DEFAULT_NAMESPACE);
  return {
    metadata: { name, namespace: home, labels: labels ?? {}, annotations: annotations ?? {} },
    violations,
    warnings,
  };
}

function placement(metadata: Readonly<Record<string, unknown>>, rules: MetadataRules): readonly Violation[] {
  const found: Violation[] = [];
  const { name, namespace, labels } = metadata;
  if (rules.scope === 'mesh' && namespace !== undefined && namespace !== '') {
    found.push(
      violation(
        ['metadata', 'namespace'],
        'namespace-not-allowed',
        `must be left out: a ${rules.kind} belongs to the whole mesh`,
      ),
    );
  }
  if (rules.kind === 'Mesh' && typeof name === 'string' && isDnsLabel(name) && name !== rules.mesh) {
    found.push(
      violation(
        ['metadata', 'name'],
        'mesh-mismatch',
        `must be the mesh that it is applied to, "${rules.mesh}", not "${name}"`,
      ),
    );
  }
  const pin = typeof labels === 'object' && labels !== null ? Reflect.get(labels, MESH_LABEL) : undefined;
  if (typeof pin === 'string' && pin !== rules.mesh) {
    found.push(
      violation(
        ['metadata', 'labels', MESH_LABEL],
        'mesh-mismatch',
        `pins the document to mesh "${pin}", but it is applied to mesh "${rules.mesh}"`,
      ),
    );
  }
  return found;
}
