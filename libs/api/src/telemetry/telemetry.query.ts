import { z } from 'zod';
import { isDnsLabel, isDnsSubdomain, lengthMs } from '#libs/kernel';
import { OUTCOMES, SORTS } from '#libs/telemetry';
import { limit } from '../query.js';

const LONGEST_MS = 400 * 86_400_000;

const time = z.iso
  .datetime({ offset: true, error: 'a time such as 2026-11-23T14:02:00Z' })
  .transform((text) => Date.parse(text));

const duration = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'a number with its unit: 90s, 15m, 6h or 30d')
  .transform((text) => lengthMs(text) ?? 0)
  .pipe(z.number().min(1_000, 'one second or more').max(LONGEST_MS, 'at most 400 days'));

const window = {
  from: time
    .optional()
    .describe('Begin (RFC 3339); absent = `since` before the end. Answers say which time they are about.'),
  to: time.optional().describe('End, the first moment after (RFC 3339); absent = now.'),
  since: duration
    .optional()
    .describe('How long before the end it begins: 90s, 15m, 6h, 30d; default 15m. Not with `from`.'),
};

const namespace = z
  .string()
  .refine(isDnsLabel, 'a namespace: a DNS label')
  .optional()
  .describe('Only services of this namespace.');
const service = z
  .string()
  .refine(isDnsSubdomain, 'a name: a DNS subdomain')
  .optional()
  .describe('Only this service; give its namespace, too.');
const sort = z
  .enum(SORTS)
  .default('rate')
  .describe(
    'What comes first: the most requests (`rate`), failures, share of failures, p99 (`latency`), attempts a request (`retries`).',
  );
const text = z.string().regex(/^[\x21-\x7e]{1,500}$/, '1 to 500 printable ASCII characters without spaces');
const workload = z
  .string()
  .max(400)
  .regex(/^[a-z0-9][-a-z0-9.]*\/[a-z0-9][-a-z0-9.]*$/, 'a workload, as namespace/name');
const workloadOrNone = z
  .string('a workload, as namespace/name; empty = who has no identity')
  .max(400)
  .regex(/^$|^[a-z0-9][-a-z0-9.]*\/[a-z0-9][-a-z0-9.]*$/, 'a workload, as namespace/name; empty = who has no identity');

interface Asked {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly since?: number | undefined;
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
}

function coherent({ from, to, since, service: name, ...rest }: Asked, context: z.RefinementCtx): void {
  const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (from !== undefined && since !== undefined) issue('since', 'give `from` or `since`, not both');
  if (from !== undefined && to !== undefined && from >= to) issue('to', 'the end lies after the begin');
  if (name !== undefined && rest.namespace === undefined) issue('namespace', 'give the namespace of the service, too');
}

export const servicesQuery = z.strictObject({ ...window, namespace, sort, limit: limit(100) }).superRefine(coherent);
const step = duration
  .optional()
  .describe(
    'Length of a step of the chart: 10s, 1m, 1h. It is made longer until there are at most 300; absent = as short as is read quickly.',
  );
export const serviceQuery = z.strictObject({ ...window, step }).superRefine(coherent);
export const edgeQuery = z
  .strictObject({
    ...{ ...window, step },
    caller: workloadOrNone.describe('The workload that calls, `namespace/name`; empty = who has no identity.'),
  })
  .superRefine(coherent);
export const chartQuery = z
  .strictObject({
    ...{ ...window, namespace, service, step },
    caller: workloadOrNone
      .optional()
      .describe('Only what this workload, namespace/name, asks of the service; empty = who has no identity.'),
  })
  .superRefine((asked, context) => {
    coherent(asked, context);
    if (asked.caller !== undefined && asked.service === undefined)
      context.addIssue({ code: 'custom', path: ['service'], message: 'give the service that it calls, too' });
  });
export const edgesQuery = z
  .strictObject({
    ...{ ...window, namespace, service, sort, limit: limit(100) },
    caller: workload.optional().describe('Only what this workload calls: namespace/name.'),
  })
  .superRefine(coherent);
export const ofServiceQuery = z
  .strictObject({ ...window, namespace, service, sort, limit: limit(100) })
  .superRefine(coherent);
export const mapQuery = z.strictObject({ ...window, namespace, limit: limit(500) }).superRefine(coherent);
export const failuresQuery = z
  .strictObject({
    ...{ ...window, limit: limit(100) },
    cursor: z
      .string()
      .regex(/^[-\w]{1,1000}$/, 'pass on the cursor of the page before')
      .optional()
      .describe('`cursor` of the page before; absent = from the newest. A page may hold fewer than the limit.'),
    callee: z
      .string()
      .max(400)
      .regex(/^[a-z0-9][-a-z0-9.]*(\/[a-z0-9][-a-z0-9.]*)?$/, 'a service, as namespace/name, or a namespace')
      .optional()
      .describe('Only of requests to this service, `namespace/name`, or to those of a namespace.'),
    caller: workloadOrNone
      .optional()
      .describe('Only of requests by this workload, `namespace/name`; empty = by who has no identity.'),
    outcome: z.enum(OUTCOMES).optional().describe('Only what failed so.'),
    status: z
      .string()
      .regex(/^\d{1,3}$/, 'an HTTP status, such as 503; 0 = none came')
      .transform(Number)
      .optional()
      .describe('Only with this HTTP status; 0 = none came.'),
    flag: z
      .string()
      .regex(/^[A-Za-z0-9]{1,10}$/, "one of Envoy's response flags, such as UC")
      .optional()
      .describe("Only with this one among Envoy's response flags."),
    path: z.string().min(1).max(200).optional().describe('Only where the path, which has no query, holds this text.'),
    route: text
      .or(z.literal(''))
      .optional()
      .describe('Only by this route: `kind/namespace/name/rule`; empty = by none.'),
    instance: text.optional().describe('Only at this instance: `namespace/workload/instance`, or its address.'),
    requestId: text.optional().describe('Only of this request, with its attempts on every hop: `x-request-id`.'),
  })
  .superRefine(coherent);

export const patternsQuery = z
  .strictObject({
    ...window,
    service: z
      .string()
      .regex(/^[a-z0-9][-a-z0-9.]*\/[a-z0-9][-a-z0-9.]*$/, 'a service, as namespace/name')
      .optional()
      .describe('Only what this service, `namespace/name`, fails by, or what follows from it.'),
    id: z
      .string()
      .regex(/^[-\w]{1,128}$/, 'the id of a pattern')
      .optional()
      .describe('Only this one.'),
  })
  .superRefine(({ from, to, since }, context) => coherent({ from, to, since }, context));
export const timelineQuery = z.strictObject(window).superRefine(coherent);

/** The time, as queries take it. */
export const timeOf = ({ from, to, since }: Asked) => ({ from, to, sinceMs: since });
