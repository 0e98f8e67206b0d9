import { z } from 'zod';
import { isDnsLabel, isDnsSubdomain } from '#libs/kernel';
import { AUDIT_ACTIONS } from '#libs/model/names';
import { limit } from '../query.js';

const time = z.iso
  .datetime({ offset: true, error: 'a time such as 2026-11-23T14:02:00Z' })
  .describe('RFC 3339, with an offset or Z.');
const name = z.string().regex(/^[\x20-\x7e]{1,200}$/, '1 to 200 printable ASCII characters');
const revision = (what: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'a config revision')
    .transform(Number)
    .describe(what);

const resource = {
  kind: z
    .string()
    .regex(/^[A-Za-z]{1,63}$/, 'a kind, such as Service')
    .optional()
    .describe('Only of this resource: kind, namespace and name are given together.'),
  namespace: z
    .string()
    .refine((text) => text === '' || isDnsLabel(text), 'a namespace: a DNS label')
    .optional()
    .describe('Its namespace; absent for kinds of the whole mesh.'),
  name: z.string().refine(isDnsSubdomain, 'a name: a DNS subdomain').optional().describe('Its name.'),
};
const period = {
  since: time.optional().describe('Only at or after this time (RFC 3339).'),
  until: time.optional().describe('Only before this time (RFC 3339).'),
};

interface NamedResource {
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Kind and name are given together, or neither. */
const whole = ({ kind, namespace, name: named }: NamedResource, context: z.RefinementCtx): void => {
  if (kind !== undefined && named === undefined)
    context.addIssue({ code: 'custom', path: ['name'], message: 'give the name, too' });
  if (kind === undefined && (named ?? namespace) !== undefined)
    context.addIssue({ code: 'custom', path: ['kind'], message: 'give the kind, too' });
};

export const resourceOf = ({ kind, namespace = '', name: named }: NamedResource) =>
  kind === undefined || named === undefined ? undefined : { kind, namespace, name: named };

export const historyQuery = z
  .strictObject({
    limit: limit(50),
    before: revision('Only changes older than this config revision; absent = from the newest.').optional(),
    actor: name.optional().describe('Only changes by this actor.'),
    ...resource,
    ...period,
    delivery: z.enum(['true', 'false']).default('false').describe('`true`: with how far each has come at the proxies.'),
  })
  .superRefine(whole);

export const auditQuery = z
  .strictObject({
    limit: limit(100),
    cursor: z
      .string()
      .regex(/^\d{1,15}\.\d{1,15}$/, 'pass on the cursor of the page before')
      .optional()
      .describe('`cursor` of the page before; absent = from the newest.'),
    actor: name.optional().describe('Only by this actor.'),
    action: z.enum(AUDIT_ACTIONS).optional().describe('Only this action.'),
    decision: z.enum(['applied', 'refused']).optional().describe('Only what was applied, or what was refused.'),
    ...resource,
    ...period,
  })
  .superRefine(whole);

export const pastQuery = z.strictObject({
  kind: resource.kind.unwrap().describe('Kind, such as Service.'),
  namespace: resource.namespace,
  name: resource.name.unwrap().describe('Name.'),
});

export const statementsQuery = z.strictObject({
  limit: limit(100),
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'the id of a statement')
    .transform(Number)
    .default(0)
    .describe('Only statements after the one with this id; absent = from the oldest.'),
});

export const failuresQuery = z.strictObject({ limit: limit(100) });

export const verifyBody = z.strictObject({
  checkpoints: z
    .array(z.unknown())
    .max(5_000)
    .default([])
    .describe('Signed statements that were kept outside of the database: the chain has to agree with them.'),
  incremental: z
    .boolean()
    .default(false)
    .describe('Start after the newest of the checkpoints, and take what is before on its word.'),
});
