/** Smaller forms of a case: any part of the table or the request left out. */
import { create, fromJson, RouteConfigurationSchema, toJson } from '#libs/envoy-api';
import type { Case } from './generator/index.js';

type Json = ReturnType<typeof toJson>;

/** Without these Envoy refuses the table, or the case is no case. */
const NEEDED = new Set(
  `match domains name key header regex virtualHosts pattern exact prefix suffix contains safeRegex path
  pathSeparatedPrefix stringMatch presentMatch cluster weight status substitution`.split(/\s+/),
);

/** Every value with one part less, the largest parts first. */
function* without(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    for (const i of value.keys()) yield value.toSpliced(i, 1);
    for (const [i, item] of value.entries()) for (const less of without(item)) yield value.with(i, less);
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    for (const [key] of entries) {
      if (!NEEDED.has(key)) yield Object.fromEntries(entries.filter(([other]) => other !== key));
    }
    for (const [key, item] of entries) for (const less of without(item)) yield { ...value, [key]: less };
  }
}

/** A table that Envoy would refuse is no candidate: the whole batch would be refused with it. */
function acceptable(table: Case['table']): boolean {
  return table.virtualHosts.every(
    ({ domains, routes }) =>
      domains.length > 0 &&
      routes.every(
        ({ match, action }) =>
          match?.pathSpecifier.case !== undefined &&
          match.headers.every((header) => header.headerMatchSpecifier.case !== undefined) &&
          action.case !== undefined &&
          (action.case !== 'route' || complete(action.value)) &&
          (action.case !== 'directResponse' || action.value.status >= 200),
      ),
  );
}

type RouteValue = Extract<
  Case['table']['virtualHosts'][number]['routes'][number]['action'],
  { case: 'route' }
>['value'];

function complete({ clusterSpecifier }: RouteValue): boolean {
  if (clusterSpecifier.case === 'cluster') return clusterSpecifier.value !== '';
  if (clusterSpecifier.case !== 'weightedClusters') return false;
  const { clusters } = clusterSpecifier.value;
  return (
    clusters.every(({ name, weight }) => name !== '' && weight !== undefined) &&
    clusters.some(({ weight = 0 }) => weight > 0)
  );
}

/** `$typeName` and the like do not survive; only JSON that is still a table counts. */
function tablesWithout({ table }: Case): readonly Case['table'][] {
  return [...without(toJson(RouteConfigurationSchema, table))].flatMap((json) => {
    try {
      const less = create(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json));
      return acceptable(less) ? [less] : [];
    } catch {
      return [];
    }
  });
}

export function smaller(from: Case): readonly Case[] {
  const requests = from.requests.flatMap((request) => [
    ...request.headers.map((_, i) => ({ ...request, headers: request.headers.toSpliced(i, 1) })),
    ...(request.path.includes('?') ? [{ ...request, path: request.path.replace(/\?.*$/, '') }] : []),
    ...Array.from(request.path, (_, i) => ({ ...request, path: request.path.slice(0, i) + request.path.slice(i + 1) })),
    ...(request.method === 'GET' ? [] : [{ ...request, method: 'GET' }]),
    ...(request.scheme === undefined ? [] : [{ ...request, scheme: undefined }]),
  ]);
  return [
    ...requests.filter(({ path }) => path.startsWith('/')).map((request) => ({ ...from, requests: [request] })),
    ...tablesWithout(from).map((table) => ({ ...from, table })),
  ];
}
