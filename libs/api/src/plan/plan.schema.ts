import { z } from 'zod';
import { writtenRequest } from '#libs/changes';
import { CHANGE_ID } from '#libs/kernel';
import { deletions, manifests, message } from '../change.schema.js';

const OWNER = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const prune = z
  .strictObject({
    owner: z
      .string()
      .regex(OWNER, 'must be a label value: at most 63 letters, digits, "-", "_" and "."')
      .describe('Value of the label `heddle.dev/owner`, which every manifest of the request gets.'),
  })
  .describe('The manifests are all that this owner has: whatever else bears its label is deleted.');

const rollback = z
  .strictObject({
    change: z
      .string()
      .regex(CHANGE_ID, 'must be the id of a change, as history shows it: c-<revision>')
      .optional()
      .describe('The change to take back.'),
    toRevision: z.int().min(1).optional().describe('Everything as it was after this config revision.'),
    conflicts: z
      .enum(['refuse', 'skip', 'overwrite'])
      .default('refuse')
      .describe('What to do about resources that later changes have written too. Default: refuse.'),
  })
  .refine(({ change, toRevision }) => (change === undefined) !== (toRevision === undefined), {
    message: 'give change or toRevision, one of the two',
  });

export const planBody = z
  .strictObject({
    manifests,
    deletes: deletions,
    message,
    prune: prune.optional(),
    rollback: rollback.optional().describe('Go back, instead of manifests and deletions.'),
    includeSecurity: z
      .boolean()
      .default(false)
      .describe('Let prune and rollback touch kinds of security and administration.'),
    drainPercent: z
      .int()
      .min(0)
      .max(100)
      .default(20)
      .describe('Share of proxies above which replaced listeners are a finding, 0 to 100 %. Default: 20.'),
    details: z
      .int()
      .min(0)
      .max(10_000)
      .default(200)
      .describe('Most Envoy resources that are shown field by field; others by name. Default: 200.'),
    requests: z
      .array(writtenRequest)
      .max(2_000)
      .default([])
      .describe('Sample requests, at most 2,000: the plan says which of them go elsewhere for which callers.'),
    save: z
      .boolean()
      .default(true)
      .describe(
        'Keep the plan for a day, so that it can be applied by its id. Needs the role operator. Default: true.',
      ),
  })
  .refine((body) => !body.rollback || (body.manifests.length + body.deletes.length === 0 && !body.prune), {
    path: ['rollback'],
    message: 'goes without manifests, deletes and prune',
  });

const revision = (what: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a config revision, as history shows it')
    .transform(Number)
    .describe(what);

export const diffQuery = z.strictObject({
  from: revision('Config revision to compare from.'),
  to: revision('Config revision to compare with; default: the newest.').optional(),
});
