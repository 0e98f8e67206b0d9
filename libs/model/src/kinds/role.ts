import { z } from 'zod';
import { RUNTIME_KINDS, VERBS } from '../access/permissions.js';
import { isBuiltInRole } from '../access/roles.js';
import { defineKind, type Kind, readBy } from '../define-kind.js';
import { violation } from '../issues.js';
import { KIND_GROUPS } from '../kind-groups.js';
import { labelMap } from '../metadata.js';
import { dnsLabel, dnsSubdomain, quote, refuseDuplicates, report, strict } from '../schema-parts.js';
import { didYouMean } from '../suggest.js';

/** Selects objects by their labels: all pairs must be there. */
export const labelSelector = () =>
  strict({
    matchLabels: labelMap().describe('Labels that an object must have, all of them. Empty = every object.'),
  });

const kindName = (known: readonly string[]) =>
  z.string().superRefine((kind, sink) => {
    if (kind !== '*' && !known.includes(kind)) {
      report(sink, 'unknown-kind', `is ${quote(kind)}, which is not a kind${didYouMean(kind, known)}`);
    }
  });

const ruleSchema = (known: readonly string[]) =>
  strict({
    verbs: z
      .array(z.enum([...VERBS, '*']))
      .min(1)
      .max(VERBS.length)
      .superRefine((verbs, sink) => refuseDuplicates(sink, verbs, 'verb'))
      .describe(
        'What may be done: get, list, watch, create, update (PUT and PATCH), delete; bind (give this role to somebody) and escalate (write rights into roles that one does not hold) are of the kind Role. `*` = all.',
      ),
    kinds: z
      .array(kindName(known))
      .max(64)
      .default([])
      .describe(
        `Kinds, as in manifests, and ${RUNTIME_KINDS.join(', ')}. \`*\` = every kind, also those to come. Default: none.`,
      ),
    groups: z
      .array(z.enum(KIND_GROUPS))
      .max(KIND_GROUPS.length)
      .default([])
      .describe('Every kind of these groups, beside `kinds`. Default: none.'),
    namespaces: z
      .array(dnsLabel())
      .max(64)
      .default([])
      .describe('Namespaces of the objects. Empty = wherever the role is given. Default: empty.'),
    names: z
      .array(dnsSubdomain())
      .max(64)
      .default([])
      .describe('Names of the objects. Empty = whatever the name. Default: empty.'),
    selector: labelSelector()
      .optional()
      .describe('Only objects with these labels, before and after a write. Default: every object.'),
  }).superRefine(({ kinds, groups }, sink) => {
    if (kinds.length + groups.length === 0) report(sink, 'too-few', 'must name a kind or a group', ['kinds']);
  });

const schema = (known: readonly string[]) =>
  strict({
    rules: z.array(ruleSchema(known)).min(1).max(32).describe('What the role permits: any rule suffices.'),
  });

/** Role: rights under a name, for RoleBindings of its mesh. @param known the kinds that rules may name */
export const roleKind = (known: readonly string[]): Kind =>
  defineKind({
    kind: 'Role',
    plural: 'roles',
    apiVersion: 'heddle.dev/v1alpha1',
    group: 'administration',
    scope: 'mesh',
    nameRule: 'subdomain',
    summary:
      'Rights in a mesh under a name: verbs on kinds, by namespace, name and label. RoleBindings give it to callers.',
    spec: readBy(schema([...known, ...RUNTIME_KINDS])),
    check: (_, { name }) =>
      isBuiltInRole(name)
        ? [violation(['metadata', 'name'], 'conflict', `must not be ${name}, which is a built-in role`)]
        : [],
    toDomain: ({ rules }, { name }, source) => ({
      type: 'Role',
      value: {
        source,
        name,
        rules: rules.map(({ selector, ...rule }) => ({ ...rule, labels: selector?.matchLabels ?? {} })),
      },
    }),
  });
