import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TYPE } from '#libs/envoy-api';
import { type InboundPatch, type PolicyKind } from '#libs/model';
import {
  aMesh,
  anInstance,
  aPolicy,
  aService,
  type Input,
  servicePort,
  TestMesh,
} from '../../testing/src/builders/index.js';
import { INBOUND_RBAC_ALLOW, INBOUND_RBAC_DENY } from './names.js';

/** An access policy whose spec is the patch itself, or a request to fail. */
const ACCESS: PolicyKind = {
  kind: 'TestAccess',
  plural: 'testaccesses',
  summary: 'Access for tests.',
  side: 'server',
  targets: ['Service', 'Mesh'],
  schema: z.unknown(),
  resolve: (contributions) => {
    if (contributions[0]?.spec === 'fail') throw new Error('cannot be resolved');
    return contributions;
  },
  contributors: (effective) => (effective as { source: never }[]).map((c) => c.source),
  toInbound: (effective) => (effective as { spec: InboundPatch }[])[0]?.spec ?? {},
};

const anyone = {
  permissions: [{ rule: { case: 'any', value: true } }],
  principals: [{ identifier: { case: 'any', value: true } }],
};
const access = (spec: unknown): Input => aPolicy('TestAccess', 'shop/p', { target: { name: 'orders' }, spec });
const tcp = aService('shop/orders', { ports: [servicePort({ protocol: 'tcp' })] });

function meshOf(...inputs: readonly Input[]): TestMesh {
  const mesh = new TestMesh([ACCESS]);
  mesh.apply(aService('shop/orders'), anInstance('shop/orders-1'), ...inputs);
  return mesh;
}

const listener = (mesh: TestMesh) => mesh.json('shop/orders-1', TYPE.listener, 'inbound/http') as ListenerJson;
const routes = (mesh: TestMesh) => mesh.json('shop/orders-1', TYPE.route, 'inbound/http') as RoutesJson;
interface ListenerJson {
  readonly listenerFilters?: readonly unknown[];
  readonly filterChains: readonly {
    readonly name: string;
    readonly transportSocket?: { readonly typedConfig: unknown };
    readonly filters: readonly { readonly name: string; readonly typedConfig: Record<string, unknown> }[];
  }[];
}
interface RoutesJson {
  readonly virtualHosts: readonly [
    { readonly typedPerFilterConfig: Record<string, { readonly rbac: { readonly rules: unknown } }> },
  ];
}
const allowRules = (mesh: TestMesh): unknown =>
  routes(mesh).virtualHosts[0].typedPerFilterConfig[INBOUND_RBAC_ALLOW]?.rbac.rules;

describe('an inbound HTTP listener', () => {
  it('under STRICT has one chain, mutual TLS 1.3 without resumption', () => {
    const json = listener(meshOf());
    expect(json.filterChains.map((chain) => chain.name)).toEqual(['mtls']);
    expect(json.filterChains[0]?.transportSocket?.typedConfig).toMatchObject({
      requireClientCertificate: true,
      disableStatelessSessionResumption: true,
      disableStatefulSessionResumption: true,
      commonTlsContext: {
        tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_3', tlsMaximumProtocolVersion: 'TLSv1_3' },
        alpnProtocols: ['h2', 'http/1.1'],
        validationContextSdsSecretConfig: { name: 'trust' },
      },
    });
  });

  it('SEC-51, SEC-53, SEC-56: canonical paths, no ambiguous headers, identity from TLS alone', () => {
    expect(listener(meshOf()).filterChains[0]?.filters[0]?.typedConfig).toMatchObject({
      normalizePath: true,
      mergeSlashes: true,
      pathWithEscapedSlashesAction: 'REJECT_REQUEST',
      forwardClientCertDetails: 'SANITIZE_SET',
      setCurrentClientCertDetails: { uri: true },
      commonHttpProtocolOptions: { headersWithUnderscoresAction: 'REJECT_REQUEST' },
      preserveExternalRequestId: true,
    });
  });

  it('SEC-50: denies before it allows, and denies all by itself', () => {
    const filters = listener(meshOf()).filterChains[0]?.filters[0]?.typedConfig['httpFilters'];
    expect(filters).toMatchObject([
      { name: INBOUND_RBAC_DENY, typedConfig: { rulesStatPrefix: 'deny' } },
      { name: INBOUND_RBAC_ALLOW, typedConfig: { rules: {}, rulesStatPrefix: 'allow' } },
      { name: 'envoy.filters.http.router' },
    ]);
  });

  it('under PERMISSIVE adds a plaintext chain that sanitises the identity header', () => {
    const json = listener(meshOf(aMesh({ mtls: 'PERMISSIVE' })));
    expect(json.filterChains.map((chain) => chain.name)).toEqual(['mtls', 'plain']);
    expect(json.listenerFilters).toHaveLength(1);
    expect(json.filterChains[1]?.transportSocket).toBeUndefined();
    expect(json.filterChains[1]?.filters[0]?.typedConfig['forwardClientCertDetails']).toBeUndefined();
  });

  it('is not changed by an access policy', () => {
    const change = meshOf().apply(access({ allow: { policies: { a: anyone } } }));
    expect(change.set.map((r) => r.key)).toEqual(['default|inbound-routes|shop/orders/http']);
  });
});

describe('access over HTTP', () => {
  it('is for identities of every trust domain of the mesh, in one order whichever is its own', () => {
    const bytes = (trustDomain: string, alias: string) => {
      const mesh = meshOf(aMesh({ trustDomain, trustDomainAliases: [alias] }));
      const tcpMesh = meshOf(tcp, aMesh({ trustDomain, trustDomainAliases: [alias] }));
      return JSON.stringify([
        allowRules(mesh),
        listener(tcpMesh),
        mesh.json('shop/orders-1', TYPE.cluster, 'shop/orders/8080'),
      ]);
    };
    const before = bytes('a.example', 'b.example');
    for (const domain of ['a.example', 'b.example']) {
      expect(before).toContain(`{"prefix":"spiffe://${domain}/"}`);
      expect(before).toContain(`"exact":"spiffe://${domain}/shop/orders"`);
    }
    // So the step that swaps them sends certificates and nothing else.
    expect(bytes('b.example', 'a.example')).toBe(before);
  });

  it('without a policy is for identities of the trust domain', () => {
    expect(JSON.stringify(allowRules(meshOf()))).toContain('"prefix":"spiffe://default.heddle.local/"');
  });

  it('without a policy is for plaintext too where the mesh is PERMISSIVE, and with one it is not', () => {
    const permissive = aMesh({ mtls: 'PERMISSIVE' });
    expect(JSON.stringify(allowRules(meshOf(permissive)))).toContain('"principals":[{"any":true}]');
    const denying = meshOf(permissive, access({ deny: { policies: { a: anyone } } }));
    expect(JSON.stringify(allowRules(denying))).toContain('"prefix":"spiffe://default.heddle.local/"');
    expect(routes(denying).virtualHosts[0].typedPerFilterConfig[INBOUND_RBAC_DENY]?.rbac.rules).toMatchObject({
      action: 'DENY',
      policies: { a: {} },
    });
  });

  it('is what the policy says, for every service that reaches the workload', () => {
    const alias = aService('shop/alias', { selector: { workload: 'orders' } });
    const rules = allowRules(
      meshOf(
        alias,
        aPolicy('TestAccess', 'shop/p', { target: { name: 'alias' }, spec: { allow: { policies: { only: anyone } } } }),
      ),
    );
    expect(rules).toMatchObject({ policies: { only: {} } });
  });

  it('is closed by a policy that fails to compile, for those it targets alone, and the policy says so', () => {
    const mesh = meshOf(access('fail'), aService('shop/other'), anInstance('shop/other-1'));
    expect(allowRules(mesh)).toEqual({});
    expect(JSON.stringify(mesh.json('shop/other-1', TYPE.route, 'inbound/http'))).toContain(
      'spiffe://default.heddle.local/',
    );
    expect(mesh.graph.conditions({ kind: 'TestAccess', namespace: 'shop', name: 'p' })).toMatchObject([
      { type: 'Accepted', status: 'False', reason: 'CompileFailed' },
    ]);
  });

  it('is closed by a stored policy that no longer parses, until it is mended', () => {
    const mesh = meshOf(access({ allow: { policies: { a: anyone } } }));
    const id = { kind: 'TestAccess', namespace: 'shop', name: 'p' };
    mesh.graph.withhold(id);
    mesh.apply();
    expect(allowRules(mesh)).toEqual({});
    expect(mesh.graph.conditions(id)).toMatchObject([{ status: 'False', reason: 'Withheld' }]);
    mesh.apply(access({ allow: { policies: { a: anyone } } }));
    expect(allowRules(mesh)).toMatchObject({ policies: { a: {} } });
  });
});

describe('access over TCP', () => {
  const sans = (mesh: TestMesh): string => JSON.stringify(listener(mesh).filterChains[0]?.transportSocket);
  const web = { exact: 'spiffe://default.heddle.local/shop/web' };
  const all = { prefix: 'spiffe://default.heddle.local/' };

  it('is decided by the names that TLS accepts, so that a server that speaks first is heard by nobody else', () => {
    expect(sans(meshOf(tcp))).toContain('"prefix":"spiffe://default.heddle.local/"');
    const allowed = meshOf(tcp, access({ tcpAllowed: [web] }));
    expect(sans(allowed)).toContain(web.exact);
    expect(sans(allowed)).not.toContain('"prefix"');
    expect(listener(allowed).filterChains[0]?.filters.map((f) => f.name)).toEqual(['envoy.filters.network.tcp_proxy']);
  });

  it('takes denied names out of the allowed, and never leaves the list empty', () => {
    expect(sans(meshOf(tcp, access({ tcpAllowed: [web], tcpDenied: [web] })))).toContain(
      'spiffe://default.heddle.local/nobody',
    );
    expect(sans(meshOf(tcp, access({ tcpAllowed: [web], tcpDenied: [all] })))).toContain(
      'spiffe://default.heddle.local/nobody',
    );
    expect(sans(meshOf(tcp, access({ tcpAllowed: [] })))).toContain('spiffe://default.heddle.local/nobody');
  });

  it('refuses a denied name inside an allowed prefix by a network filter', () => {
    const chain = listener(meshOf(tcp, access({ tcpDenied: [web] }))).filterChains[0];
    expect(chain?.filters.map((f) => f.name)).toEqual([
      'envoy.filters.network.rbac',
      'envoy.filters.network.tcp_proxy',
    ]);
    expect(JSON.stringify(chain?.filters[0])).toContain(web.exact);
  });

  it('under PERMISSIVE is open to plaintext only without a policy', () => {
    const permissive = aMesh({ mtls: 'PERMISSIVE' });
    expect(listener(meshOf(tcp, permissive)).filterChains.map((c) => c.name)).toEqual(['mtls', 'plain']);
    expect(listener(meshOf(tcp, permissive, access({ tcpAllowed: [web] }))).filterChains.map((c) => c.name)).toEqual([
      'mtls',
    ]);
  });
});

describe('an inbound port', () => {
  it('speaks to the application what the oldest service says', () => {
    const mesh = meshOf(aService('shop/orders', { ports: [servicePort({ protocol: 'grpc' })] }));
    expect(JSON.stringify(mesh.json('shop/orders-1', TYPE.cluster, 'inbound/http'))).toContain(
      '"http2ProtocolOptions":{}',
    );
  });

  it('leads to the address of the application', () => {
    const mesh = meshOf(anInstance('shop/orders-1', { app: { address: '127.0.0.9', ports: { http: 3000 } } }));
    expect(JSON.stringify(mesh.json('shop/orders-1', TYPE.cluster, 'inbound/http'))).toContain(
      '"address":"127.0.0.9","portValue":3000',
    );
  });
});
