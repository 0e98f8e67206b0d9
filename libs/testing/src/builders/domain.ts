/** Small builders of domain values: every field has a sensible value, and a test says only what it is about. */
import type {
  Backend,
  ExternalService,
  Instance,
  Mesh,
  Policy,
  PolicyTarget,
  ReferenceGrant,
  Route,
  RouteMatch,
  RouteRule,
  Service,
  ServicePort,
  Source,
} from '#libs/model';

export const source = (kind: string, namespace: string, name: string, createdRevision = 1): Source => ({
  kind,
  namespace,
  name,
  revision: createdRevision,
  createdRevision,
});

/** The mesh `default`, STRICT, everything in scope. */
export const mesh = (fields: Partial<Mesh> = {}): Mesh => ({
  name: 'default',
  trustDomain: 'default.heddle.local',
  trustDomainAliases: [],
  mtls: 'STRICT',
  scoping: 'All',
  ...fields,
});

export const servicePort = (fields: Partial<ServicePort> = {}): ServicePort => {
  const port = { name: 'http', port: 8080, protocol: 'http' as const, ...fields };
  return { targetPort: port.name, ...port };
};

/** @param id `<namespace>/<name>`. One HTTP port 8080, selecting the workload of its name. */
export function service(id: string, fields: Partial<Service> = {}): Service {
  const [namespace = '', name = ''] = id.split('/');
  return {
    source: source('Service', namespace, name),
    namespace,
    name,
    ports: [servicePort()],
    hostnames: [],
    selector: { workload: name },
    subsets: [],
    dependencies: [],
    ...fields,
  };
}

/** @param id `<namespace>/<name>`. Resolved by DNS, plaintext, HTTP on port 80. */
export function externalService(id: string, fields: Partial<ExternalService> = {}): ExternalService {
  const [namespace = '', name = ''] = id.split('/');
  return {
    source: source('ExternalService', namespace, name),
    namespace,
    name,
    hostnames: [`${name}.example.com`],
    ports: [servicePort({ port: 80 })],
    resolution: 'DNS',
    endpoints: [{ address: `${name}.example.com`, port: 80 }],
    tls: undefined,
    ...fields,
  };
}

/** @param to `<namespace>/<service>[/<subset>]` */
export function backend(to: string, fields: Partial<Backend> = {}): Backend {
  const [namespace = '', name = '', subset = ''] = to.split('/');
  return {
    kind: 'Service',
    namespace,
    name,
    port: 8080,
    subset,
    weight: 1,
    requestHeaders: undefined,
    responseHeaders: undefined,
    ...fields,
  };
}

export const routeMatch = (fields: Partial<RouteMatch> = {}): RouteMatch => ({
  path: { type: 'PathPrefix', value: '/' },
  method: undefined,
  headers: [],
  queryParams: [],
  ...fields,
});

export const rule = (fields: Partial<RouteRule> = {}): RouteRule => ({
  name: '0',
  matches: [routeMatch()],
  requestHeaders: undefined,
  responseHeaders: undefined,
  rewrite: undefined,
  redirect: undefined,
  mirrors: [],
  backends: [],
  timeoutMs: undefined,
  backendTimeoutMs: undefined,
  retry: undefined,
  ...fields,
});

/** @param id `<namespace>/<name>`; @param parent `<namespace>/<service>`, by default the service of the same id. */
export function route(id: string, fields: Partial<Route> & { readonly parent?: string } = {}): Route {
  const { parent = id, ...rest } = fields;
  const [namespace = '', name = ''] = id.split('/');
  const [parentNamespace = '', parentName = ''] = parent.split('/');
  const kind = rest.kind ?? 'HTTPRoute';
  return {
    source: source(kind, namespace, name),
    kind,
    namespace,
    name,
    parents: [{ kind: 'Service', namespace: parentNamespace, name: parentName, port: undefined }],
    hostnames: [],
    rules: [],
    ...rest,
  };
}

/** @param namespace whose resources may be named; every Service of it, from the routes of `from`. */
export const grant = (namespace: string, from: string, fields: Partial<ReferenceGrant> = {}): ReferenceGrant => ({
  source: source('ReferenceGrant', namespace, `from-${from}`),
  namespace,
  from: [
    { kind: 'HTTPRoute', namespace: from },
    { kind: 'GRPCRoute', namespace: from },
  ],
  to: [{ kind: 'Service', name: undefined }],
  ...fields,
});

/** @param id `<namespace>/<name>`. A routable copy of the workload, by default the name without its last part `-<n>`. */
export function instance(id: string, fields: Partial<Instance> = {}): Instance {
  const [namespace = '', name = ''] = id.split('/');
  const workload = fields.workload ?? name.replace(/-\d+$/, '');
  const address = fields.bind?.address ?? '192.0.2.1';
  return {
    mesh: 'default',
    namespace,
    workload,
    name,
    labels: { workload },
    bind: { address, ports: { http: 8080 } },
    app: { address: '127.0.0.1', ports: { http: 8080 } },
    advertised: address,
    outbound: { address: '127.100.0.1', httpPort: 15001 },
    host: address,
    locality: { region: '', zone: '' },
    features: ['base', 'srds'],
    routable: true,
    ...fields,
  };
}

/** @param id `<namespace>/<name>`; the target is a whole Service unless another is given. */
export function policy(
  kind: string,
  id: string,
  fields: { readonly target: Partial<PolicyTarget>; readonly spec: unknown; readonly createdRevision?: number },
): Policy {
  const [namespace = '', name = ''] = id.split('/');
  return {
    source: source(kind, namespace, name, fields.createdRevision),
    kind,
    target: { level: 'Service', kind: 'Service', namespace, name: '', section: '', ...fields.target },
    spec: fields.spec,
  };
}
