/** Tables that the compiler makes of the golden scenarios, with requests aimed at each of their routes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { routingConfigs, type SampleRequest } from '#libs/changes';
import type { HeaderMatcher, Route, RouteMatch } from '#libs/envoy-api';
import { compile } from '../golden/scenario.js';
import type { Case } from './generator.js';
import type { Table } from './rig.js';

const GOLDEN = join(import.meta.dirname, '../golden');

export function compiledTables(): readonly Table[] {
  const scenarios = readdirSync(GOLDEN, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const tables = scenarios.flatMap(({ name }) => {
    const { mesh, sees } = compile(readFileSync(join(GOLDEN, name, 'input.yaml'), 'utf8'));
    return sees.flatMap((instance) => {
      const [config] = routingConfigs(mesh.seen(instance).values()).values();
      return [...(config?.tables.values() ?? [])];
    });
  });
  return tables;
}

/** A path of each kind of match, for regular expressions a guess. */
function pathOf({ pathSpecifier }: RouteMatch): string {
  if (pathSpecifier.case === 'safeRegex') return pathSpecifier.value.regex.replace(/\[.*?\][+*]?|\\d\+/g, '1');
  return typeof pathSpecifier.value === 'string' ? pathSpecifier.value : '/';
}

const wantedValue = ({ headerMatchSpecifier: specifier }: HeaderMatcher): string =>
  specifier.case === 'stringMatch' && specifier.value.matchPattern.case === 'exact'
    ? specifier.value.matchPattern.value
    : 'GET';

function requestsFor(authority: string, { match }: Route): readonly SampleRequest[] {
  if (!match) return [];
  const method = match.headers.find(({ name }) => name === ':method');
  const headers = match.headers
    .filter(({ name }) => !name.startsWith(':'))
    .map((matcher) => ({ name: matcher.name, value: wantedValue(matcher) }));
  const query = match.queryParameters.map(({ name }) => `${name}=1`).join('&');
  const path = pathOf(match);
  const paths = [
    path,
    `${path}/`,
    `${path}x`,
    `${path}/b//c`,
    `${path}?${query}`,
    path.toUpperCase(),
    path.slice(0, -1),
  ];
  return paths
    .filter((each) => each.startsWith('/'))
    .flatMap((each) => {
      const request = { authority, path: each, headers };
      return [
        { ...request, method: method ? wantedValue(method) : 'GET' },
        { ...request, method: 'POST', headers: headers.slice(1) },
      ];
    });
}

export const compiledCases = (): readonly Case[] =>
  compiledTables().map((table) => ({
    manager: table.name.startsWith('inbound/') ? ('inbound' as const) : ('outbound' as const),
    table,
    requests: table.virtualHosts.flatMap(({ domains, routes }) =>
      [...domains.slice(0, 2), domains[0]?.toUpperCase() ?? '', 'elsewhere'].flatMap((domain) =>
        routes.flatMap((route) => requestsFor(domain.replace('*', 'any'), route)),
      ),
    ),
  }));
