import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Inject, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILT_IN_ROLES } from '#libs/model';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';

const GOLDEN = join(import.meta.dirname, '../../../../docs/access-matrix.md');
const HEAD = `# Who may call what

What every address of the REST API answers to callers of each kind: \`yes\` = the handler is asked, which then judges the
objects by namespace, name and labels; 401 = no token; 403 = the permission is missing; 404 = as if there were no such
mesh. Roles are those of tokens for every mesh. \`proxy\`: the token of a proxy. \`none\`: a token without role and bindings.
\`shop admin\`: one that has the role admin in the namespace \`shop\` by a RoleBinding. \`elsewhere\`: the admin of another
mesh only. The mesh that is asked for is \`default\`, the namespace \`shop\`.

Made by a test from the routes of the running server, over HTTP, with real tokens (\`UPDATE_GOLDENS=1 npx vitest run
libs/api/src/access/matrix.pg.spec.ts\`). Kinds of one group are one row: the test fails if they differ.
`;

interface Route {
  readonly method: string;
  /** With `:name` for parameters. */
  readonly path: string;
}

/** Lists what is really routed, as the application that serves it knows it. */
@Controller('never-routed')
class RouteList {
  static routes: readonly Route[] = [];

  constructor(
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(MetadataScanner) scanner: MetadataScanner,
  ) {
    const read = (key: string, target: object): unknown => Reflect.getMetadata(key, target);
    RouteList.routes = discovery.getControllers().flatMap(({ metatype }) => {
      if (!metatype) return [];
      const prototype = metatype.prototype as Record<string, () => unknown>;
      return scanner.getAllMethodNames(prototype).flatMap((name): Route[] => {
        const handler = prototype[name];
        const method = handler && read(METHOD_METADATA, handler);
        if (!handler || typeof method !== 'number') return [];
        const parts = [read(PATH_METADATA, metatype), read(PATH_METADATA, handler)];
        const path = parts
          .join('/')
          .replaceAll(/\/+/g, '/')
          .replace(/^\/?/, '/')
          .replace(/(?<=.)\/$/, '');
        return [{ method: RequestMethod[method] ?? '', path }];
      });
    });
  }
}

let database: TestDatabase;
let api: ServedApi;
const callers = new Map<string, string>();

const write = async (path: string, body: object): Promise<void> => {
  expect((await api.call('PUT', path, { body })).status, path).toBe(201);
};

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, { policies, controllers: [RouteList] });
  const heddle = { apiVersion: 'heddle.dev/v1alpha1' };
  // So that the mesh is not empty: no call may delete it.
  const spec = { ports: [{ name: 'http', port: 80, protocol: 'http' }] };
  await write('/api/v1/meshes/default/namespaces/shop/services/keep', { ...heddle, spec });
  await write('/api/v1/meshes/other', { ...heddle, kind: 'Mesh', metadata: { name: 'other' }, spec: {} });
  await write('/api/v1/meshes/default/rolebindings/shop-admin', {
    ...heddle,
    spec: { role: 'admin', subjects: [{ kind: 'Group', name: 'shop-admins' }], namespaces: ['shop'] },
  });
  const made = await api.call('POST', '/api/v1/meshes/default/namespaces/shop/proxy-tokens', {
    body: { workload: 'orders', instance: 'orders-1' },
  });
  callers
    .set('anonymous', '')
    .set('proxy', made.body.token)
    .set('none', await api.token('none'));
  for (const role of BUILT_IN_ROLES) callers.set(role, await api.token(role));
  callers.set('shop admin', await api.token('none', { name: 'shop', groups: ['shop-admins'] }));
  callers.set('elsewhere', await api.token('admin', { name: 'elsewhere', meshes: ['other'] }));
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const VALUES: Readonly<Record<string, string>> = {
  mesh: 'default',
  namespace: 'shop',
  asset: 'start.js',
  change: 'c-1',
};

/** What the caller is told, as far as it is about who he is. */
async function ask({ method, path }: Route, token: string): Promise<string> {
  const url = api.url + path.replaceAll(/:(\w+)/g, (_, name: string) => VALUES[name] ?? 'x');
  const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method, headers });
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel();
    return 'yes';
  }
  const text = await response.text();
  expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(500);
  if (response.status === 401 || response.status === 403) return String(response.status);
  return response.status === 404 && text.includes('there is no mesh') ? '404' : 'yes';
}

/** The address with the group in place of the kind. */
function grouped(path: string): string {
  const [, before = '', plural, rest = ''] =
    /^(\/api\/v1\/meshes\/:mesh(?:\/namespaces\/:namespace)?\/)(\w+)(\/:name)?$/.exec(path) ?? [];
  const found = api.deps.registry.kinds.find((info) => info.plural === plural);
  return found ? `${before}{${found.group}}${rest}` : path;
}

const inOrder = (a: string, b: string): number => (a < b ? -1 : 1);

describe('the matrix of roles, routes and meshes', () => {
  it('SEC-33, SEC-34: is the one that was reviewed', async () => {
    expect(RouteList.routes.length).toBeGreaterThan(40);
    const rows = new Map<string, string>();
    for (const route of RouteList.routes) {
      const cells: string[] = [];
      for (const token of callers.values()) cells.push(await ask(route, token));
      const name = `\`${route.method} ${grouped(route.path)}\``;
      const row = cells.join(' | ');
      expect(rows.get(name) ?? row, `${route.method} ${route.path} differs from others of its group`).toBe(row);
      rows.set(name, row);
    }
    const names = [...callers.keys()];
    const table = [
      `| address | ${names.join(' | ')} |`,
      `|---|${names.map(() => '---|').join('')}`,
      ...[...rows]
        .sort(([a], [b]) => inOrder(a.replace(/^\S+ /, ''), b.replace(/^\S+ /, '')) || inOrder(a, b))
        .map(([name, row]) => `| ${name} | ${row} |`),
    ];
    const text = `${HEAD}\n${table.join('\n')}\n`;
    if (process.env['UPDATE_GOLDENS'] === '1' && !process.env['CI']) writeFileSync(GOLDEN, text);
    expect(text, `${GOLDEN}; UPDATE_GOLDENS=1 rewrites it`).toBe(
      existsSync(GOLDEN) ? readFileSync(GOLDEN, 'utf8') : '(no such file)',
    );
  });

  it('SEC-33: anonymous is what carries no data, and nothing else', async () => {
    const open: string[] = [];
    for (const route of RouteList.routes) {
      if ((await ask(route, '')) === 'yes') open.push(`${route.method} ${route.path}`);
    }
    expect(open.sort()).toEqual([
      'GET /api/docs',
      'GET /api/docs/:asset',
      'GET /api/openapi.json',
      'GET /livez',
      'GET /readyz',
      'GET /readyz/api',
      'POST /api/v1/login/exchange',
    ]);
  });

  it('SEC-34: a mesh that is not the caller’s looks like one that is not there', async () => {
    const token = callers.get('elsewhere') ?? '';
    for (const { method, path } of RouteList.routes.filter((route) => route.path.includes(':mesh'))) {
      const at = (mesh: string) => api.call(method, path.replace(':mesh', mesh).replaceAll(/:\w+/g, 'x'), { token });
      const [foreign, absent] = [await at('default'), await at('absent')];
      const told = JSON.stringify({ ...absent.body, requestId: '' }).replaceAll('absent', 'default');
      expect(JSON.stringify({ ...foreign.body, requestId: '' }), `${method} ${path}`).toBe(told);
      expect([foreign.status, absent.status]).toEqual([404, 404]);
    }
  });
});
