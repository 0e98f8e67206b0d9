import { z } from 'zod';
import { BUILT_IN_ROLES } from '../access/roles.js';
import { isUserName } from '../access/user-name.js';
import { defineKind, readBy } from '../define-kind.js';
import { dnsLabel, dnsSubdomain, refuseDuplicates, report, strict } from '../schema-parts.js';
import { labelSelector } from './role.js';

const SUBJECT_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;
const NAME_RULE = 'must be 1 to 63 letters, digits and . _ @ -, beginning with a letter or digit';
const USER_RULE = 'must be 1 to 254 letters, digits and . _ @ - + = ~ | : /, without spaces';

const subject = strict({
  kind: z
    .enum(['Token', 'User', 'Group'])
    .describe(
      'Token: API tokens of this name. User: who logs in by the identity provider under this name. Group: API tokens that carry this group, and users whom the provider puts into it.',
    ),
  name: z.string().describe('Name of the tokens, of the user, or of the group.'),
}).superRefine(({ kind, name }, sink) => {
  if (kind === 'User' ? isUserName(name) : SUBJECT_NAME.test(name)) return;
  report(sink, 'invalid-name', kind === 'User' ? USER_RULE : NAME_RULE, ['name']);
});

const schema = strict({
  role: dnsSubdomain().describe(`What is given: ${BUILT_IN_ROLES.join(', ')}, or a Role of this mesh.`),
  subjects: z
    .array(subject)
    .min(1)
    .max(64)
    .superRefine((subjects, sink) => {
      refuseDuplicates(
        sink,
        subjects.map(({ kind, name }) => `${kind} ${name}`),
        'subject',
      );
    })
    .describe('Who gets it.'),
  namespaces: z
    .array(dnsLabel())
    .max(64)
    .default([])
    .describe(
      'Only in these namespaces; kinds of the whole mesh are then left out. Empty = the whole mesh. Default: empty.',
    ),
  selector: labelSelector()
    .optional()
    .describe('Only objects with these labels, before and after a write. Default: every object.'),
});

/** RoleBinding: gives a role to API tokens and users. */
export const roleBindingKind = defineKind({
  kind: 'RoleBinding',
  plural: 'rolebindings',
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'administration',
  scope: 'mesh',
  nameRule: 'subdomain',
  summary:
    'Gives a role to API tokens and users, by their names or groups: in the whole mesh, in namespaces, or by label.',
  spec: readBy(schema),
  toDomain: ({ role, subjects, namespaces, selector }, { name }, source) => ({
    type: 'RoleBinding',
    value: { source, name, role, subjects, namespaces, labels: selector?.matchLabels ?? {} },
  }),
});
