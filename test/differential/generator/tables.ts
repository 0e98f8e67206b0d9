import fc from 'fast-check';
import { create, RouteConfigurationSchema } from '#libs/envoy-api';
import type { Table } from '../rig.js';
import { headerFields, noHeaders, route } from './actions.js';
import { of } from './draw.js';

const DOMAINS = [
  'a',
  'b',
  'ab',
  'a.b',
  'A.B',
  'a:80',
  'a:8080',
  'a.b:80',
  '*',
  '*',
  '*.b',
  '*-b',
  '*b',
  'a.*',
  'a*',
  'a-b',
  'x.a.b',
  '*.a.b',
  'a:*',
  '[::1]',
  '[::1]:80',
  '*:80',
  'A',
  'a.',
  'x-b',
  'X-B',
];
export const AUTHORITIES = [
  'a',
  'a',
  'a',
  'A',
  'b',
  'ab',
  'a.b',
  'A.B',
  'a:80',
  'a:8080',
  'a:443',
  'A:80',
  'a.b:80',
  'x.a.b',
  'x-b',
  '-b',
  '.b',
  'a-b',
  'a.b.',
  'a.b.:80',
  'a.',
  '[::1]',
  '[::1]:80',
  '[::1]:8080',
  'localhost',
  'ab:80',
  'a:080',
];

/** A domain stands once in a table, in whatever letter case. */
function distinct(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const seen = new Set<string>();
  return lists.map((list) =>
    list.filter((domain) => {
      const key = domain.toLowerCase();
      return !seen.has(key) && seen.add(key);
    }),
  );
}

const virtualHost = fc.tuple(
  fc.array(of(...DOMAINS), { minLength: 1, maxLength: 4 }),
  fc.array(route, { minLength: 1, maxLength: 5 }),
  fc.oneof({ weight: 3, arbitrary: noHeaders }, { weight: 1, arbitrary: headerFields }),
);
export const table: fc.Arbitrary<Table> = fc
  .tuple(
    fc.array(virtualHost, { minLength: 1, maxLength: 3 }),
    fc.oneof({ weight: 4, arbitrary: noHeaders }, { weight: 1, arbitrary: headerFields }),
    of(false, false, false, true),
  )
  .map(([hosts, headers, ignorePortInHostMatching]) => {
    const domains = distinct(hosts.map(([list]) => list));
    const virtualHosts = hosts.flatMap(([, routes, own], i) => {
      const list = [...(domains[i] ?? [])];
      // Route names tell the virtual host, which Envoy does not report.
      const named = routes.map((each, n) => ({ ...each, name: `h${i}r${n}` }));
      return list.length > 0 ? [{ name: `h${i}`, domains: list, routes: named, ...own }] : [];
    });
    return create(RouteConfigurationSchema, {
      name: 'table',
      virtualHosts,
      ignorePortInHostMatching,
      ...headers,
    });
  });
