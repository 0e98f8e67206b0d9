import type { z } from 'zod';
import { duration, report, strict } from '#libs/model';

/** `spec` of a TimeoutPolicy without `targetRef`. */
export const timeoutSchema = strict({
  request: duration()
    .optional()
    .describe(
      'Longest time for a whole request with all its retries, until the response is complete; "0s" = no limit. Default: no limit. A TCP port has no requests.',
    ),
  idle: duration()
    .optional()
    .describe(
      'Longest time that a request may be open without a byte in either direction; "0s" = no limit. Default: 5m.',
    ),
  connect: duration({ min: 1 })
    .optional()
    .describe('Longest time to open a connection to an endpoint, TLS handshake included; at least "1ms". Default: 1s.'),
}).superRefine((spec, sink) => {
  if (Object.values(spec).every((value) => value === undefined)) {
    report(sink, 'empty-spec', 'must set at least one of request, idle, connect; the policy would have no effect');
  }
});

export type TimeoutSpec = z.infer<typeof timeoutSchema>;
