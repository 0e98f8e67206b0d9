import { z } from 'zod';
import { isDnsLabel } from '#libs/kernel';
import { dnsLabel, hostName, parseSpiffeId, pathProblem, report, strict, text } from '#libs/model';

/** What a path matcher may not hold: requests are normalised before the rules see them, so such a rule would never match. */
function matcherProblem(value: string): string | undefined {
  const literal = value.endsWith('*') ? value.slice(0, -1) : value;
  if (/[*%?#;]/.test(literal)) {
    return 'must be a literal path, or one that ends in "*"; no other "*", no query, no percent-encoding, no ";"';
  }
  return pathProblem(literal);
}

/** An object in which at least one field is set: an empty one would match everything (SEC-50). */
const refuseEmpty = (match: Readonly<Record<string, unknown>>, what: string): string | undefined =>
  Object.values(match).every((value) => value === undefined)
    ? `must have ${what}; an empty one would match everything`
    : undefined;

const list = <T extends z.ZodType<string>>(item: T) => z.array(item).min(1).max(256);

const from = strict({
  principals: list(
    text('invalid-spiffe-id', (value) =>
      parseSpiffeId(value) ? undefined : 'must be a SPIFFE id, spiffe://<trust domain>/<path>, without wildcards',
    ),
  )
    .optional()
    .describe('SPIFFE ids, compared exactly.'),
  workloads: list(
    text('invalid-name', (value) => {
      const parts = value.split('/');
      return parts.length === 2 && parts.every(isDnsLabel) ? undefined : 'must be "<namespace>/<workload>"';
    }),
  )
    .optional()
    .describe('Workloads of this mesh, `<namespace>/<workload>`.'),
  namespaces: list(dnsLabel()).optional().describe('Namespaces of this mesh: all of their workloads.'),
}).superRefine((value, sink) => {
  const problem = refuseEmpty(value, 'principals, workloads or namespaces');
  if (problem) report(sink, 'empty-match', problem);
});

const to = strict({
  methods: list(
    text('invalid-value', (value) =>
      /^[A-Z]{1,32}$/.test(value) ? undefined : 'must be a method in capitals, such as GET',
    ),
  )
    .optional()
    .describe('HTTP methods, compared exactly.'),
  paths: list(text('invalid-path', matcherProblem))
    .optional()
    .describe(
      'Paths without query: exact, or a prefix when it ends in "*" (`/admin*` is also `/administrator`, `/admin/*` is not `/admin`). Letter case counts.',
    ),
  hosts: list(hostName())
    .optional()
    .describe('Host names of the request; letter case, port and a trailing dot do not count.'),
}).superRefine((value, sink) => {
  const problem = refuseEmpty(value, 'methods, paths or hosts');
  if (problem) report(sink, 'empty-match', problem);
});

const rule = strict({
  from: z
    .array(from)
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Who calls: any identity of any entry. Default: ALLOW: every identity; DENY: everybody, without identity too.',
    ),
  to: z.array(to).min(1).max(64).optional().describe('What is called: all fields of any entry. Default: everything.'),
}).superRefine((value, sink) => {
  const problem = refuseEmpty(value, 'from or to');
  if (problem) report(sink, 'empty-match', problem);
});

/** `spec` of an AuthorizationPolicy without `targetRef`. */
export const authorizationSchema = strict({
  action: z
    .enum(['ALLOW', 'DENY'])
    .describe(
      'ALLOW: only what a rule of some ALLOW policy matches may pass. DENY: what a rule matches may not pass, whatever allows it.',
    ),
  rules: z.array(rule).max(64).describe('Rules, at most 64; any suffices. An empty list with ALLOW allows nothing.'),
}).superRefine((spec, sink) => {
  if (spec.action === 'DENY' && spec.rules.length === 0) {
    report(sink, 'empty-spec', 'must have at least one rule with action DENY; the policy would have no effect', [
      'rules',
    ]);
  }
});

export type AuthorizationSpec = z.infer<typeof authorizationSchema>;
export type AuthorizationRuleSpec = AuthorizationSpec['rules'][number];
