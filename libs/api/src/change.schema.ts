/** Parts of the bodies that carry changes. */
import { z } from 'zod';
import { trial } from './staged/staged.schema.js';

const dnsLabels = z.string().max(253);

export const manifests = z
  .array(z.unknown())
  .max(2_000)
  .default([])
  .describe('Manifests of any kind and namespace, at most 2,000. All are stored, or none.');

export const deletions = z
  .array(z.strictObject({ kind: z.string().max(63), namespace: dnsLabels.default(''), name: dnsLabels }))
  .max(2_000)
  .default([])
  .describe('Resources to delete in the same change; namespace "" for kinds of the whole mesh.');

export const message = z.string().max(1_000).default('').describe('Why: shown by history. At most 1,000 characters.');

export const applyBody = z
  .strictObject({
    manifests,
    deletes: deletions,
    message,
    dryRun: z.boolean().default(false).describe('Check everything and answer as if it were done, but store nothing.'),
    force: z
      .boolean()
      .default(false)
      .describe(
        'Overrule what stands against a change with two sides: plaintext that is still used, proxies that do not have the step before. Audited.',
      ),
    trial: trial
      .optional()
      .describe("Try it first, or take it back by itself. Default: it is everybody's at once, for good."),
    plan: z
      .string()
      .regex(/^p-[-\w]{1,64}$/, 'must be the id of a plan: p-...')
      .optional()
      .describe(
        'Apply exactly this plan, instead of manifests and deletions; refused (409) if one of its inputs has changed.',
      ),
  })
  .refine(({ dryRun, trial: on }) => !(dryRun && on), { path: ['trial'], message: 'goes without dryRun' })
  .refine(({ plan, ...others }) => !plan || (others.manifests.length + others.deletes.length === 0 && !others.dryRun), {
    path: ['plan'],
    message: 'goes without manifests, deletes and dryRun: what it does is decided',
  });
