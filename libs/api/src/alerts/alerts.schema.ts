import { z } from 'zod';
import { isDnsLabel } from '#libs/kernel';
import { parseMatcher } from '#libs/model';
import { limit } from '../query.js';

const fingerprint = z.string().regex(/^[0-9a-f]{1,32}$/, 'the fingerprint of an alert');

export const alertsQuery = z.strictObject({
  state: z.enum(['pending', 'firing', 'resolved']).optional().describe('Only alerts in this state. Default: all.'),
  namespace: z.string().max(63).optional().describe('Only alerts of this namespace. Default: all.'),
  fingerprint: fingerprint.optional().describe('Only this alert. Default: all.'),
});

export const alertHistoryQuery = z.strictObject({
  limit: limit(100),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'pass on the cursor of the page before')
    .optional()
    .describe('`cursor` of the page before; absent = from the newest.'),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Only what happened at this time (RFC 3339) or after it.'),
  fingerprint: fingerprint.optional().describe('Only of this alert.'),
});

export const silencesQuery = z.strictObject({
  all: z.enum(['true', 'false']).default('false').describe('true: also those that ended within the last 90 days.'),
});

const DAY_S = 86_400;

export const silenceBody = z.strictObject({
  namespace: z
    .string()
    .refine(
      (value) => value === '' || isDnsLabel(value),
      'a namespace is 1 to 63 lower-case letters, digits and inner hyphens',
    )
    .default('')
    .describe('Only alerts of this namespace. Empty = of the whole mesh, for which one needs the right in all of it.'),
  matchers: z
    .array(
      z.string().superRefine((text, context) => {
        const parsed = parseMatcher(text);
        if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.error });
      }),
    )
    .max(16)
    .describe('Labels that an alert must have, all of them, as Alertmanager writes them: `alertname="refusals"`.'),
  reason: z.string().trim().min(1, 'say why').max(500).describe('Why, for everybody who wonders.'),
  seconds: z
    .int()
    .min(60)
    .max(90 * DAY_S)
    .describe('How long, from now on: 60 s to 90 days. It ends by itself.'),
});
