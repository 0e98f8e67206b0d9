/** The connection managers that are compared: the compiler's own two, and one with the options that it does not use. */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { routingConfigs } from '#libs/changes';
import {
  create,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  toJson,
} from '#libs/envoy-api';
import { compile } from '../golden/scenario.js';

/** `stripping`: ports and the trailing dot are stripped, escaped slashes unescaped, headers with underscores dropped. */
export type ManagerName = 'outbound' | 'inbound' | 'stripping';

function compiled(listener: RegExp): HttpConnectionManager {
  const { mesh, sees } = compile(readFileSync(join(import.meta.dirname, '../golden/strict-shop/input.yaml'), 'utf8'));
  for (const instance of sees) {
    for (const [name, { manager }] of routingConfigs(mesh.seen(instance).values())) {
      if (listener.test(name)) return manager;
    }
  }
  throw new Error(`the scenario has no HTTP listener ${listener}`);
}

const STRIPPING = create(HttpConnectionManagerSchema, {
  statPrefix: 'stripping',
  stripPortMode: { case: 'stripAnyHostPort', value: true },
  stripTrailingHostDot: true,
  mergeSlashes: true,
  pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_FORWARD,
  normalizePath: true,
  commonHttpProtocolOptions: { headersWithUnderscoresAction: 2 },
});

const MANAGERS: Readonly<Record<ManagerName, HttpConnectionManager>> = {
  outbound: compiled(/^outbound$/),
  inbound: compiled(/^inbound\//),
  stripping: STRIPPING,
};

export const managerOf = (name: ManagerName): HttpConnectionManager => MANAGERS[name];

/** For a bootstrap; without routes, filters and logs, and without what needs TLS. */
export function managerJson(name: ManagerName): object {
  const bare = create(HttpConnectionManagerSchema, {
    ...MANAGERS[name],
    routeSpecifier: { case: undefined },
    httpFilters: [],
    accessLog: [],
  });
  const json = toJson(HttpConnectionManagerSchema, bare) as object;
  return { '@type': `type.googleapis.com/${HttpConnectionManagerSchema.typeName}`, ...json };
}
