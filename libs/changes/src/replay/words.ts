/** Evaluations in words, for plans and explanations. */
import { UNRESOLVED_CLUSTER } from '#libs/compiler';
import { explain } from './evaluate.js';
import type {
  ClusterShare,
  Evaluation,
  Forwarded,
  HeaderStep,
  HeaderSteps,
  RoutingConfig,
  SampleRequest,
} from './types.js';

/** `GET http://orders:8080/v1?x=1`. */
export const requestText = ({ method, scheme = 'http', authority, path }: SampleRequest): string =>
  `${method} ${scheme}://${authority}${path}`;

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

const clusterText = ({ cluster }: ClusterShare, missingStatus: number): string =>
  cluster === UNRESOLVED_CLUSTER ? `nowhere (${missingStatus}: its backend does not exist)` : cluster;

function clustersText({ clusters, missingClusterStatus }: Forwarded): string {
  const taken = clusters.filter(({ share }) => share > 0);
  const [only] = taken;
  if (only && taken.length === 1) return clusterText(only, missingClusterStatus);
  return taken.map((each) => `${percent(each.share)} ${clusterText(each, missingClusterStatus)}`).join(', ');
}

/** Where a request goes, in one line: `shop/orders/8080 by HTTPRoute/shop/orders/0`. */
export function destinationText({ verdict, route }: Evaluation): string {
  const by = route === undefined ? '' : ` by ${route === '' ? 'a route without a name' : route}`;
  switch (verdict.type) {
    case 'forwarded':
      return clustersText(verdict) + by;
    case 'redirected':
      return `redirect ${verdict.status} to ${verdict.location}${by}`;
    case 'answered':
      return `answer ${verdict.status}${by}`;
    case 'refused':
      return `refused with ${verdict.status}: ${verdict.reason}`;
    case 'notFound':
      return `404: ${verdict.reason}`;
    case 'unsupported':
      return `not evaluated${by}: ${verdict.fields.join(', ')}`;
  }
}

/** Further effects of a forwarded request, one each. */
export function effectTexts({ verdict }: Evaluation, request: SampleRequest): readonly string[] {
  if (verdict.type !== 'forwarded') return 'headers' in verdict ? headerTexts(verdict.headers, '') : [];
  const { path, authority, timeoutMs, retry, mirrors, headers, clusters } = verdict;
  return [
    ...(path === request.path ? [] : [`path becomes ${path}`]),
    ...(authority === request.authority ? [] : [`host becomes ${authority}`]),
    ...headerTexts(headers, ''),
    ...clusters.flatMap((each) => headerTexts(each.headers, ` (${each.cluster} only)`)),
    ...mirrors.map(({ cluster, share }) => `${percent(share)} copied to ${cluster}`),
    timeoutMs === 0 ? 'no timeout' : `timeout ${timeoutMs} ms`,
    ...(retry && retry.retries > 0 ? [retryText(retry)] : ['no retries']),
  ];
}

function retryText({ retries, on, codes, perTryTimeoutMs }: NonNullable<Forwarded['retry']>): string {
  const conditions = codes.length > 0 ? [...on, codes.join(' ')] : on;
  const each = perTryTimeoutMs === 0 ? '' : `, ${perTryTimeoutMs} ms each`;
  return `up to ${retries} ${retries === 1 ? 'retry' : 'retries'}${each}, on ${conditions.join(', ')}`;
}

const headerTexts = ({ request, response }: HeaderSteps, where: string): readonly string[] => [
  ...request.map((step) => `request header ${stepText(step)}${where}`),
  ...response.map((step) => `response header ${stepText(step)}${where}`),
];

function stepText(step: HeaderStep): string {
  if (step.type === 'remove') return `${step.name} is removed`;
  return step.type === 'set' ? `${step.name} becomes "${step.value}"` : `${step.name} gets "${step.value}" too`;
}

/** Why a request goes where it goes. */
export interface Reasons {
  readonly request: string;
  readonly destination: string;
  /** Scope, route configuration and virtual host, as far as it got. */
  readonly place: string;
  readonly effects: readonly string[];
  /** Each other route of the virtual host, in Envoy's order. */
  readonly others: readonly { readonly route: string; readonly reason: string }[];
}

/** Route, cluster, and why not the others, in words. */
export function why(config: RoutingConfig, request: SampleRequest): Reasons {
  const evaluation = explain(config, request);
  const { scope, table, virtualHost, whyNot } = evaluation;
  const place = [
    ...(scope === undefined ? [] : [`scope ${scope}`]),
    ...(table === undefined ? [] : [`route configuration ${table}`]),
    ...(virtualHost === undefined ? [] : [`virtual host ${virtualHost}`]),
  ];
  return {
    request: requestText(request),
    destination: destinationText(evaluation),
    place: place.join(', '),
    effects: effectTexts(evaluation, request),
    others: whyNot.map(({ route, reason }) => ({ route, reason })),
  };
}
