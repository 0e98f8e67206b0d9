import { z } from 'zod';
import { duration, parseDuration, refuseDuplicates, report, strict } from '#libs/model';

/** Conditions on a connection or an HTTP response, in Envoy's words. */
export const CONDITIONS = [
  'connect-failure',
  'refused-stream',
  'reset-before-request',
  'reset',
  '5xx',
  'gateway-error',
] as const;

/** Conditions on the status of a gRPC response, in Envoy's words. */
export const GRPC_CONDITIONS = [
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const;

/** A list without repetitions. */
const unique = <T extends z.ZodType<string | number>>(item: T, max: number) =>
  z
    .array(item)
    .max(max)
    .superRefine((list, sink) => refuseDuplicates(sink, list.map(String), 'the value'));

const backoff = strict({
  base: duration({ min: 1 })
    .optional()
    .describe(
      'Longest wait before the first retry; it doubles with each further one, and the wait is a random part of it. At least "1ms". Default: 25ms.',
    ),
  max: duration({ min: 1 }).optional().describe('Upper limit of the wait. At least base. Default: 10 times base.'),
}).superRefine(({ base, max }, sink) => {
  const [from, to] = [parseDuration(base ?? ''), parseDuration(max ?? '')];
  if (from !== undefined && to !== undefined && to < from)
    report(sink, 'conflict', 'must not be shorter than base', ['max']);
});

const budget = strict({
  percent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      'Retries in flight at one caller, as a percentage of its requests in flight, 0 to 100; 0 = only minConcurrency. Default: 20.',
    ),
  minConcurrency: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Retries in flight at one caller that are allowed whatever the percentage says. Default: 20.'),
});

/** `spec` of a RetryPolicy without `targetRef`. */
export const retrySchema = strict({
  attempts: z
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('How many times a request is tried again, 0 to 10; 0 = never. Default: 2.'),
  perTryTimeout: duration()
    .optional()
    .describe('Longest time for one attempt; "0s" = no limit of its own. Default: no limit of its own.'),
  backoff: backoff.optional().describe('Waits before retries.'),
  retryAfterMax: duration()
    .optional()
    .describe(
      'Longest wait that a response may ask for with Retry-After (in seconds); a longer one is ignored, and "0s" ignores them all. Default: 5s where conditions are set.',
    ),
  on: unique(z.enum(CONDITIONS), CONDITIONS.length)
    .optional()
    .describe(
      'When to try again: connect-failure, refused-stream, reset-before-request (nothing was carried out), reset, 5xx, gateway-error (502, 503, 504). Default: the first three.',
    ),
  codes: unique(z.int().min(400).max(599), 50)
    .optional()
    .describe('Status codes after which to try again, 400 to 599. Default: none.'),
  grpc: unique(z.enum(GRPC_CONDITIONS), GRPC_CONDITIONS.length)
    .optional()
    .describe('gRPC statuses after which to try again. Default: none.'),
  methods: unique(z.enum(METHODS), METHODS.length)
    .min(1)
    .optional()
    .describe(
      'Only requests with these methods are tried again. Default: all methods, for the conditions that are set.',
    ),
  otherHost: z
    .boolean()
    .optional()
    .describe('Try again on an endpoint that has not been tried yet, if there is one. Default: true.'),
  budget: budget
    .optional()
    .describe('Upper limit for all retries of one caller to the service together, against retry storms.'),
}).superRefine((spec, sink) => {
  if (Object.values(spec).every((value) => value === undefined)) {
    report(sink, 'empty-spec', 'must set at least one field; the policy would have no effect');
  }
});

export type RetrySpec = z.infer<typeof retrySchema>;
