/** Every printable character in a path, as itself and escaped, through every connection manager. */
import type { SampleRequest } from '#libs/changes';
import { create, RouteConfigurationSchema } from '#libs/envoy-api';
import type { Case } from './generator/index.js';
import type { ManagerName } from './managers.js';

const FIRST = 0x21;
const LAST = 0x7e;

const all = create(RouteConfigurationSchema, {
  name: 'all',
  virtualHosts: [
    {
      name: 'h0',
      domains: ['*'],
      routes: [
        {
          name: 'h0r0',
          match: { pathSpecifier: { case: 'prefix', value: '/' } },
          action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: 'c0' } } },
        },
      ],
    },
  ],
});

const codes = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
const paths = codes.flatMap((code) => {
  const character = String.fromCharCode(code);
  const escaped = `%${code.toString(16).padStart(2, '0')}`;
  return [character, escaped, escaped.toUpperCase()].map((text) => `/a${text}b/${text}?q=${text}`);
});
const odd = `/% /%1 /%g1/ /%80%FF /%0a /.. /../..//a /a/.. /a/../ /a/. /./ // /// //? /a// /? /%2e%2E/a /a/%2e /.%2e/a
/a/..x;/b /a/..%3b/b /a/...;/b /a/.x;/b /a;/../b /a/;/b /a/;x/b`.split(/\s+/);

const managers: readonly ManagerName[] = ['outbound', 'inbound', 'stripping'];

export const characterCases = (): readonly Case[] =>
  managers.map((manager) => ({
    manager,
    table: all,
    requests: [...paths, ...odd].map((path): SampleRequest => ({ method: 'GET', authority: 'a', path, headers: [] })),
  }));
