/** Tables that the compiler makes of the golden scenarios, with requests aimed at each of their routes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RoutingConfig, routingConfigs, type SampleRequest } from '#libs/changes';
import type { HeaderMatcher, Route, RouteMatch } from '#libs/envoy-api';
import { compile } from '../golden/scenario.js';
import type { Case } from './generator/index.js';
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

/** What the shared outbound listener of a golden scenario routes with. */
export function scopedConfig(): RoutingConfig {
  const { mesh, sees } = compile(readFileSync(join(GOLDEN, 'routes', 'input.yaml'), 'utf8'));
  const config = routingConfigs(mesh.seen(sees[0] ?? '').values()).get('outbound');
  if (!config || config.scopes.length === 0) throw new Error('the scenario has no scopes');
  return config;
}

/** Every scope's host in every way of writing it. */
export const scopedRequests = ({ scopes }: RoutingConfig): readonly SampleRequest[] =>
  [...scopes.flatMap(({ key }) => key?.fragments.map(({ type }) => String(type.value)) ?? []), 'elsewhere', '[::1]']
    .flatMap((host) => [
      host,
      `${host}:8080`,
      `${host}:9`,
      `${host}:`,
      `${host}.`,
      host.toUpperCase(),
      `${host}:8080:1`,
    ])
    .flatMap((authority) => ['/', '/v1/x'].map((path) => ({ method: 'GET', authority, path, headers: [] })));
