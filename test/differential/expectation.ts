/** What Envoy must have done for the evaluator to be right. */
import {
  type Evaluation,
  evaluate,
  type HeaderStep,
  type RoutingConfig,
  type SampleRequest,
  type Verdict,
} from '#libs/changes';
import { managerOf } from './managers.js';
import { MISSING_CLUSTER, type Observation, type TableUnderTest } from './rig.js';

type Pair = readonly [name: string, value: string];

/** Names that the generator changes; Envoy adds others by itself. */
const COMPARED = /^x[-_][a-du]$/;

/** Port of no listener: nothing that is compared depends on it. */
const configOf = ({ manager, table }: TableUnderTest): RoutingConfig => ({
  manager: { ...managerOf(manager), routeSpecifier: { case: 'routeConfig', value: table } },
  port: 0,
  tables: new Map(),
  scopes: [],
});

function carriedOut(steps: readonly HeaderStep[], start: readonly Pair[]): readonly Pair[] {
  let headers = start.map(([name, value]) => [name, value] as Pair);
  for (const step of steps) {
    if (step.type !== 'add') headers = headers.filter(([name]) => name !== step.name);
    if (step.type !== 'remove') headers = [...headers, [step.name, step.value]];
  }
  return headers;
}

/** By name, values joined in their order. */
const compared = (headers: readonly Pair[]): string => {
  const names = [...new Set(headers.map(([name]) => name))].filter((name) => COMPARED.test(name)).sort();
  const valuesOf = (name: string) => headers.filter(([key]) => key === name).map(([, value]) => value);
  return names.map((name) => `${name}: ${JSON.stringify(valuesOf(name))}`).join('; ');
};

const differ = (what: string, expected: unknown, observed: unknown): readonly string[] =>
  expected === observed ? [] : [`${what}: evaluated ${JSON.stringify(expected)}, Envoy ${JSON.stringify(observed)}`];

export const evaluated = (at: TableUnderTest, sample: SampleRequest): Evaluation => evaluate(configOf(at), sample);

/** What the two Envoy versions do not agree on is the only thing that the evaluator may be silent about. */
const READ_DIFFERENTLY = /which Envoys read differently/;

/** Every difference between what is evaluated and what Envoy did, in words; empty when they agree. */
export function differences(
  { verdict, route }: Pick<Evaluation, 'verdict' | 'route'>,
  sample: SampleRequest,
  seen: Observation,
): readonly string[] {
  if (verdict.type === 'unsupported' && verdict.fields.every((field) => READ_DIFFERENTLY.test(field))) return [];
  if (verdict.type === 'unsupported') return [`not evaluated: ${verdict.fields.join(', ')}`];
  if (verdict.type === 'refused') return differ('status', verdict.status, seen.status);
  return [...differ('route', route ?? '', seen.route), ...ofVerdict(verdict, sample, seen)];
}

function ofVerdict(verdict: Verdict, sample: SampleRequest, seen: Observation): readonly string[] {
  switch (verdict.type) {
    case 'notFound':
      return differ('status', 404, seen.status);
    case 'answered':
    case 'redirected':
      return [
        ...differ('status', verdict.status, seen.status),
        ...differ('location', verdict.type === 'redirected' ? verdict.location : '', seen.location),
        ...differ(
          'response headers',
          compared(carriedOut(verdict.headers.response, [])),
          compared(seen.responseHeaders),
        ),
      ];
    case 'forwarded':
      return ofForwarded(verdict, sample, seen);
    default:
      return [`evaluated ${verdict.type}`];
  }
}

function ofForwarded(
  verdict: Extract<Verdict, { type: 'forwarded' }>,
  sample: SampleRequest,
  seen: Observation,
): readonly string[] {
  const takers = verdict.clusters.filter(({ share }) => share > 0);
  if (!seen.upstream) {
    const mayBeMissing = takers.some(({ cluster }) => cluster === MISSING_CLUSTER);
    return [
      ...(mayBeMissing ? [] : ['Envoy did not forward it']),
      ...differ('status', verdict.missingClusterStatus, seen.status),
    ];
  }
  const tried = takers
    .filter(({ cluster }) => cluster === seen.cluster)
    .map(({ headers }) => ofUpstream(verdict, headers, { sample, seen, upstream: seen.upstream as Upstream }));
  if (tried.length === 0) return [`cluster: ${seen.cluster} is none of ${takers.map((c) => c.cluster).join(', ')}`];
  // One cluster may stand twice with different changes of headers.
  return tried.find((problems) => problems.length === 0) ?? tried[0] ?? [];
}

type Upstream = NonNullable<Observation['upstream']>;

function ofUpstream(
  verdict: Extract<Verdict, { type: 'forwarded' }>,
  own: { readonly request: readonly HeaderStep[]; readonly response: readonly HeaderStep[] },
  {
    sample,
    seen,
    upstream,
  }: { readonly sample: SampleRequest; readonly seen: Observation; readonly upstream: Upstream },
): readonly string[] {
  const sent = sample.headers.map(({ name, value }) => [name, value] as const);
  const request = carriedOut([...own.request, ...verdict.headers.request], letIn(sent, upstream));
  const response = carriedOut([...own.response, ...verdict.headers.response], []);
  return [
    ...differ('status', 200, seen.status),
    ...differ('path', verdict.path, upstream.path),
    ...differ('authority', verdict.authority, upstream.authority),
    ...differ('request headers', compared(request), compared(upstream.headers)),
    ...differ('response headers', compared(response), compared(seen.responseHeaders)),
  ];
}

/** Headers with underscores may be dropped by the connection manager: the evaluator says nothing about them. */
const letIn = (sent: readonly Pair[], upstream: Upstream): readonly Pair[] =>
  sent.filter(([name]) => !name.includes('_') || upstream.headers.some(([key]) => key === name));
