import { describe, expect, it } from 'vitest';
import { encode, SdsSecretConfigSchema, TYPE } from '#libs/envoy-api';
import {
  anInstance,
  aRoute,
  aService,
  backend,
  type Input,
  instance,
  rule,
  servicePort,
  TestMesh,
} from '../../testing/src/builders/index.js';
import { TRUST_SECRET } from './names.js';
import { ADS } from './tls.js';

function meshOf(...inputs: readonly Input[]): TestMesh {
  const mesh = new TestMesh();
  mesh.apply(anInstance('shop/web-1'), ...inputs);
  return mesh;
}

interface ClusterJson {
  readonly transportSocket: {
    readonly typedConfig: {
      readonly commonTlsContext: {
        readonly alpnProtocols?: readonly string[];
        readonly combinedValidationContext: {
          readonly defaultValidationContext: {
            readonly matchTypedSubjectAltNames: readonly { readonly matcher: { readonly exact: string } }[];
          };
        };
      };
    };
  };
}
const cluster = (mesh: TestMesh, name: string) => mesh.json('shop/web-1', TYPE.cluster, name) as ClusterJson;
const idsOf = (mesh: TestMesh, name: string): readonly string[] =>
  cluster(
    mesh,
    name,
  ).transportSocket.typedConfig.commonTlsContext.combinedValidationContext.defaultValidationContext.matchTypedSubjectAltNames.map(
    (san) => san.matcher.exact,
  );

describe('a cluster', () => {
  it('is mutual TLS 1.3, EDS over ADS, with outlier detection and a retry budget of at least 20', () => {
    expect(cluster(meshOf(aService('shop/orders')), 'shop/orders/8080')).toMatchObject({
      type: 'EDS',
      connectTimeout: '1s',
      edsClusterConfig: { edsConfig: { ads: {}, resourceApiVersion: 'V3' } },
      circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 20 } }] },
      outlierDetection: { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 3 },
      transportSocket: {
        typedConfig: {
          sni: 'orders.shop.default.mesh',
          commonTlsContext: {
            tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_3', tlsMaximumProtocolVersion: 'TLSv1_3' },
            tlsCertificateSdsSecretConfigs: [{ name: 'identity' }],
            combinedValidationContext: { validationContextSdsSecretConfig: { name: 'trust' } },
          },
        },
      },
    });
  });

  it.each([
    ['http', ['http/1.1'], 'httpProtocolOptions'],
    ['http2', ['h2'], 'http2ProtocolOptions'],
    ['grpc', ['h2'], 'http2ProtocolOptions'],
  ] as const)('for %s agrees on %s and speaks it', (protocol, alpn, options) => {
    const json = cluster(meshOf(aService('shop/orders', { ports: [servicePort({ protocol })] })), 'shop/orders/8080');
    expect(json.transportSocket.typedConfig.commonTlsContext.alpnProtocols).toEqual(alpn);
    expect(JSON.stringify(json)).toContain(`"explicitHttpConfig":{"${options}":{}}`);
    expect(JSON.stringify(json)).toContain('"maxConnectionDuration":"43200s"');
  });

  it('SEC-55: accepts exactly the workload that its selector names, before and after it has instances', () => {
    const mesh = meshOf(aService('shop/orders'));
    const before = idsOf(mesh, 'shop/orders/8080');
    expect(before).toEqual(['spiffe://default.heddle.local/shop/orders']);
    const change = mesh.apply(anInstance('shop/orders-1'));
    expect(change.set.map((r) => r.key)).not.toContain('default|cluster|shop/orders/8080');
  });

  it('SEC-55: accepts the workloads of the instances that another selector finds, in their order by name', () => {
    const service = aService('shop/orders', { selector: { app: 'orders' } });
    const copies = ['orders-green', 'orders-blue'].map((workload) =>
      anInstance(`shop/${workload}-1`, { workload, labels: { workload, app: 'orders' } }),
    );
    expect(idsOf(meshOf(service, ...copies), 'shop/orders/8080')).toEqual([
      'spiffe://default.heddle.local/shop/orders-blue',
      'spiffe://default.heddle.local/shop/orders-green',
    ]);
  });

  it('SEC-55: accepts nobody, rather than everybody, while no instance is known', () => {
    const mesh = meshOf(aService('shop/orders', { selector: { app: 'orders' } }));
    expect(idsOf(mesh, 'shop/orders/8080')).toEqual(['spiffe://default.heddle.local/nobody']);
  });

  it('is there for a subset exactly while some route names it', () => {
    const mesh = meshOf(aService('shop/orders', { subsets: [{ name: 'green', labels: { version: 'green' } }] }));
    expect(mesh.names('shop/web-1', TYPE.cluster)).not.toContain('shop/orders/8080/green');
    mesh.apply(aRoute('shop/orders', { rules: [rule({ backends: [backend('shop/orders/green', { weight: 0 })] })] }));
    expect(mesh.names('shop/web-1', TYPE.cluster)).toContain('shop/orders/8080/green');
    expect(mesh.names('shop/web-1', TYPE.endpoint)).toContain('shop/orders/8080/green');
  });
});

describe('endpoints', () => {
  const bound = (address: string) => ({ bind: { address, ports: { http: 8080 } } });

  it('ORD-7 BUG-19: of a service without instances are an empty list', () => {
    expect(meshOf(aService('shop/orders')).json('shop/web-1', TYPE.endpoint, 'shop/orders/8080')).toEqual({
      clusterName: 'shop/orders/8080',
    });
  });

  it('are the routable instances of the namespace by locality, at their advertised address', () => {
    const east = { region: 'eu', zone: 'east' };
    const mesh = meshOf(
      aService('shop/orders'),
      anInstance('shop/orders-2', { ...bound('192.0.2.2'), locality: east }),
      anInstance('shop/orders-1', { ...bound('192.0.2.1'), advertised: '198.51.100.1' }),
      anInstance('shop/orders-3', { ...bound('192.0.2.3'), routable: false }),
      anInstance('team/orders-4', bound('192.0.2.4')),
      anInstance('shop/orders-5', { bind: { address: '192.0.2.5', ports: { other: 1 } } }),
    );
    const at = (address: string) => ({ endpoint: { address: { socketAddress: { address, portValue: 8080 } } } });
    expect(mesh.json('shop/web-1', TYPE.endpoint, 'shop/orders/8080')).toEqual({
      clusterName: 'shop/orders/8080',
      endpoints: [{ lbEndpoints: [at('198.51.100.1')] }, { locality: east, lbEndpoints: [at('192.0.2.2')] }],
    });
  });

  it('SEC-13: follow granted labels alone', () => {
    const intruder = instance('shop/evil-1', { labels: { workload: 'evil' }, workload: 'evil' });
    const mesh = meshOf(aService('shop/orders'), { instance: intruder });
    expect(mesh.json('shop/web-1', TYPE.endpoint, 'shop/orders/8080')).toEqual({ clusterName: 'shop/orders/8080' });
  });
});

describe('SDS', () => {
  it('SDS-2 BUG-13: the bytes by which secrets are asked for never change', () => {
    const bytes = encode(SdsSecretConfigSchema, { name: TRUST_SECRET, sdsConfig: ADS });
    expect(Buffer.from(bytes).toString('hex')).toBe('0a0574727573741204' + '1a003002');
  });
});
