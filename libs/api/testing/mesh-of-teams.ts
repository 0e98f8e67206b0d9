/** For tests of access: documents, and callers with roles. */
import { expect } from 'vitest';
import type { Answer, CallOptions, ServedApi } from './served-api.js';

const HEDDLE = 'heddle.dev/v1alpha1';
const GATEWAY = 'gateway.networking.k8s.io/v1';
type Labels = Readonly<Record<string, string>>;

const manifest = (kind: string, at: string, spec: object, labels: Labels = {}) => {
  const [namespace, name] = at.split('/');
  return { apiVersion: kind === 'HTTPRoute' ? GATEWAY : HEDDLE, kind, metadata: { name, namespace, labels }, spec };
};

/** @param at `<namespace>/<name>` */
export const aService = (at: string, labels?: Labels) =>
  manifest('Service', at, { ports: [{ name: 'http', port: 80, protocol: 'http' }] }, labels);

export const anExternalService = (at: string, labels?: Labels) =>
  manifest(
    'ExternalService',
    at,
    { hostnames: [`${at.replace('/', '-')}.example.com`], ports: [{ name: 'http', port: 80, protocol: 'http' }] },
    labels,
  );

const refOf = (to: string) => {
  const [namespace, name] = to.split('/');
  return { kind: 'Service', name, namespace };
};

/** @param to `<namespace>/<name>` of a Service, `mesh`, or undefined = its namespace */
export function aPolicy(
  kind: 'RetryPolicy' | 'TimeoutPolicy' | 'AuthorizationPolicy',
  at: string,
  to?: string,
  labels?: Labels,
) {
  const own = {
    RetryPolicy: { attempts: 2 },
    TimeoutPolicy: { request: '3s' },
    AuthorizationPolicy: { action: 'DENY', rules: [{ to: [{ paths: ['/a'] }] }] },
  };
  const target = to === 'mesh' ? { kind: 'Mesh', name: 'default' } : to && refOf(to);
  return manifest(kind, at, { ...own[kind], ...(target ? { targetRef: target } : {}) }, labels);
}

export const aRoute = (at: string, to: string, labels?: Labels) =>
  manifest(
    'HTTPRoute',
    at,
    { parentRefs: [{ group: '', ...refOf(to) }], rules: [{ backendRefs: [{ name: to.split('/')[1], port: 80 }] }] },
    labels,
  );

export const aRole = (name: string, ...rules: readonly object[]) => ({
  ...{ apiVersion: HEDDLE, kind: 'Role', metadata: { name } },
  spec: { rules },
});

/** @param subject a group, or `token <name>` */
export const aBinding = (name: string, role: string, subject: string, more: object = {}) => ({
  ...{ apiVersion: HEDDLE, kind: 'RoleBinding', metadata: { name } },
  spec: {
    ...{ role, ...more },
    subjects: [
      subject.startsWith('token ') ? { kind: 'Token', name: subject.slice(6) } : { kind: 'Group', name: subject },
    ],
  },
});

/** Somebody with a token. */
export class Caller {
  constructor(
    private readonly api: ServedApi,
    readonly token: string,
  ) {}

  /** Somebody with a token that has no role of its own, so that only bindings give him rights. */
  static async of(api: ServedApi, name: string, ...groups: string[]): Promise<Caller> {
    return new Caller(api, await api.token('none', { name, groups }));
  }

  /** @param path below `/api/v1/meshes/default` unless it begins with `/` */
  call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const url = path.startsWith('/') ? path : `/api/v1/meshes/default/${path}`;
    return this.api.call(method, url, { token: this.token, ...options });
  }

  apply(manifests: readonly object[], deletes: readonly object[] = []): Promise<Answer> {
    return this.call('POST', 'apply', { body: { manifests, deletes } });
  }

  /** Names that a list shows, sorted. */
  async names(path: string): Promise<string[]> {
    const { body } = await this.call('GET', path);
    return (body.items as { metadata: { name: string; namespace?: string } }[])
      .map(({ metadata }) => [metadata.namespace, metadata.name].filter(Boolean).join('/'))
      .sort();
  }
}

/** What an answer refuses: its status and the permission that is missing. */
export const refusal = ({ status, body }: Answer): readonly unknown[] =>
  body?.missing ? [status, `${body.missing.verb} ${body.missing.kind}`] : [status];

/** The admin, for what tests need to be there. */
export async function given(admin: Caller, ...manifests: readonly object[]): Promise<void> {
  const answer = await admin.apply(manifests);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}
