import { z } from 'zod';
import type { Violation } from '#libs/kernel';
import { defineKind, jsonSchemaOf, type Kind, type Place, type SpecReader } from './define-kind.js';
import type { PolicyTarget, TargetLevel } from './domain.js';
import { parseWith, violation } from './issues.js';
import type { KindGroup } from './kind-groups.js';
import type { PolicyKind, PolicySide } from './policy.js';
import { dnsLabel, dnsSubdomain, strict } from './schema-parts.js';
import { isPlainObject } from './structure.js';
import { didYouMean } from './suggest.js';

const targetRefSchema = strict({
  group: z
    .string()
    .max(253)
    .optional()
    .describe('Group of the target. Default: the one of its kind; "" also means Service.'),
  kind: z.string().min(1).max(63).describe('Kind of the target.'),
  name: dnsSubdomain().describe('Name of the target.'),
  namespace: dnsLabel()
    .optional()
    .describe(
      "Namespace of the target; another one than the policy's needs a ReferenceGrant there. Default: the policy's.",
    ),
  sectionName: dnsSubdomain()
    .optional()
    .describe('Part of the target: the name of a port of a Service, or of a rule of a route. Default: all of it.'),
});

type TargetRef = z.infer<typeof targetRefSchema>;

/** Groups by which a kind of target may be named. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Service: ['', 'heddle.dev'],
  ExternalService: ['heddle.dev'],
  Mesh: ['heddle.dev'],
  HTTPRoute: ['gateway.networking.k8s.io'],
  GRPCRoute: ['gateway.networking.k8s.io'],
};

/** What policies are about, for roles, unless their kind says otherwise. */
const GROUP_OF_SIDE: Readonly<Record<PolicySide, KindGroup>> = {
  client: 'resilience',
  server: 'security',
  proxy: 'operation',
};

/** `[level of the whole target, level of a section of it]`. */
const LEVELS: Readonly<Record<string, readonly [TargetLevel, TargetLevel]>> = {
  Service: ['Service', 'ServicePort'],
  ExternalService: ['Service', 'ServicePort'],
  HTTPRoute: ['Route', 'RouteRule'],
  GRPCRoute: ['Route', 'RouteRule'],
  Workload: ['Workload', 'Workload'],
};

/**
 * The manifest kind of a policy kind: `spec` is the policy's own schema plus an optional `targetRef`. Without one the
 * policy applies to its namespace; `kind: Mesh` makes it apply to the whole mesh, if the policy kind allows it.
 */
export function policyManifestKind(policy: PolicyKind): Kind {
  return defineKind({
    kind: policy.kind,
    plural: policy.plural,
    apiVersion: 'heddle.dev/v1alpha1',
    group: policy.group ?? GROUP_OF_SIDE[policy.side],
    scope: 'namespace',
    nameRule: 'subdomain',
    summary: policy.summary,
    spec: readPolicy(policy),
    check: ({ targetRef, rest }, place) => [
      ...targetViolations(policy, targetRef, place),
      ...(policy.check?.(rest) ?? []),
    ],
    toDomain: ({ targetRef, rest }, place, source) => ({
      type: 'Policy',
      value: { source, kind: policy.kind, target: toTarget(targetRef, place), spec: rest },
    }),
  });
}

interface PolicySpec {
  readonly targetRef: TargetRef | undefined;
  readonly rest: unknown;
}

/** Reads `targetRef` and the policy's own fields apart, so that the violations of both are reported at once. */
function readPolicy(policy: PolicyKind): SpecReader<PolicySpec> {
  const targetRef = targetRefSchema
    .optional()
    .describe(`What the policy applies to: ${policy.targets.join(', ')}. Default: everything in its namespace.`);
  return {
    read: (written) => {
      if (!isPlainObject(written))
        return { value: undefined, violations: parseWith(z.looseObject({}), written, ['spec']).violations };
      const { targetRef: ref, ...own } = written;
      const target = parseWith(targetRef, ref, ['spec', 'targetRef']);
      const rest = parseWith(policy.schema, own, ['spec']);
      const violations = [...target.violations, ...rest.violations];
      return { value: violations.length > 0 ? undefined : { targetRef: target.value, rest: rest.value }, violations };
    },
    jsonSchema: () => jointSchema(jsonSchemaOf(policy.schema), jsonSchemaOf(targetRef)),
  };
}

function jointSchema(own: Record<string, unknown>, targetRef: Record<string, unknown>): Record<string, unknown> {
  const { $schema: _, ...target } = targetRef;
  const { properties } = z.looseObject({ properties: z.looseObject({}).optional() }).parse(own);
  return { ...own, properties: { targetRef: target, ...properties } };
}

function targetViolations(policy: PolicyKind, ref: TargetRef | undefined, place: Place): readonly Violation[] {
  if (!ref) return [];
  const at = (field: string, code: string, message: string): Violation =>
    violation(['spec', 'targetRef', field], code, message);
  if (!policy.targets.includes(ref.kind)) {
    const hint = didYouMean(ref.kind, policy.targets);
    return [
      at(
        'kind',
        'invalid-target',
        `must be one of ${policy.targets.join(', ')} for a ${policy.kind}, not "${ref.kind}"${hint}`,
      ),
    ];
  }
  const found: Violation[] = [];
  const groups = GROUPS[ref.kind] ?? ['heddle.dev'];
  if (ref.group !== undefined && !groups.includes(ref.group)) {
    found.push(
      at(
        'group',
        'invalid-target',
        `must be ${groups.map((group) => `"${group}"`).join(' or ')} for kind ${ref.kind}, not "${ref.group}"`,
      ),
    );
  }
  if (ref.kind === 'Mesh') {
    if (ref.name !== place.mesh)
      found.push(at('name', 'mesh-mismatch', `must be the policy's own mesh, "${place.mesh}"`));
    if (ref.namespace !== undefined)
      found.push(at('namespace', 'namespace-not-allowed', 'must be left out: a mesh has no namespace'));
  }
  if (ref.sectionName !== undefined && (ref.kind === 'Mesh' || ref.kind === 'Workload'))
    found.push(at('sectionName', 'invalid-target', `must be left out: a ${ref.kind.toLowerCase()} has no sections`));
  return found;
}

/**
 * What a policy is about, as far as that can still be read when the rest of it cannot.
 * @returns undefined when it cannot; a policy without a target is about its namespace
 */
export function readPolicyTarget(spec: Readonly<Record<string, unknown>>, place: Place): PolicyTarget | undefined {
  if (spec['targetRef'] === undefined) return toTarget(undefined, place);
  const ref = targetRefSchema.safeParse(spec['targetRef']);
  // A kind that this build does not know matches nobody: then it is not known whom the policy concerns.
  const isKnown = ref.success && (ref.data.kind === 'Mesh' || ref.data.kind in LEVELS);
  return isKnown ? toTarget(ref.data, place) : undefined;
}

function toTarget(ref: TargetRef | undefined, place: Place): PolicyTarget {
  if (!ref) return { level: 'Namespace', kind: '', namespace: place.namespace, name: '', section: '' };
  if (ref.kind === 'Mesh') return { level: 'Mesh', kind: 'Mesh', namespace: '', name: ref.name, section: '' };
  const [whole, part] = LEVELS[ref.kind] ?? ['Service', 'ServicePort'];
  return {
    level: ref.sectionName === undefined ? whole : part,
    kind: ref.kind,
    namespace: ref.namespace ?? place.namespace,
    name: ref.name,
    section: ref.sectionName ?? '',
  };
}
