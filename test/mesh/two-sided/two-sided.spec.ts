import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../apps/demo/src/narrator.js';

import { type Calls, callAll, goOn, meshText, openShop, PORTS, plaintext, type Shop, serviceText } from './shop.js';

const PATIENCE_MS = 300_000;
const INSTANCES = '/api/v1/meshes/default/namespaces/shop/instances';
let shop: Shop;

beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop?.mesh.stop());

/** Applies while everybody calls everybody. @returns what failed, and how often */
async function underLoad(what: () => Promise<unknown>): Promise<Record<string, readonly string[]>> {
  const calls = await callAll(shop);
  try {
    await what();
    await goOn(calls, 150);
    return failuresOf(calls);
  } finally {
    await Promise.all(calls.map(({ load }) => load.stop()));
  }
}
const failuresOf = (calls: readonly Calls[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    calls.filter(({ load }) => load.failures.length > 0).map(({ name, load }) => [name, load.failures]),
  );

const apply = (text: string): Promise<unknown> => shop.mesh.apply(text);
const force = (text: string): Promise<{ change: string }> =>
  shop.mesh.controlPlane.request('POST', '/api/v1/meshes/default/apply', {
    manifests: [JSON.parse(text)],
    force: true,
  });
const plan = (text: string): Promise<{ findings: { code: string; resource: { name: string } }[] }> =>
  shop.mesh.controlPlane.request('POST', '/api/v1/meshes/default/plan', { manifests: [JSON.parse(text)], save: false });

describe('while callers of both versions call both versions', () => {
  it.each([
    ['orders goes from HTTP/1.1 to HTTP/2', serviceText('orders', { protocol: 'http2' })],
    ['and to gRPC', serviceText('orders', { protocol: 'grpc' })],
    ['and back', serviceText('orders')],
    ['orders moves to another workload', serviceText('orders', { selector: { workload: 'green' } })],
    ['greet (HTTP/2) moves to another workload by a label', serviceText('greet', { selector: { app: 'green' } })],
    ['and back', serviceText('greet')],
    ['orders back', serviceText('orders')],
    ['orders goes to another port of its workload', serviceText('orders', { target: 'multi' })],
    ['and back', serviceText('orders')],
  ])('%s: no request fails', async (_, text) => {
    expect(await underLoad(() => apply(text))).toEqual({});
  });

  it('says in the plan that a port which goes takes its callers with it', async () => {
    const moved = await plan(serviceText('ledger', { port: 9092 }));
    expect(moved.findings.map(({ code }) => code)).toContain('address-goes');
    const other = await plan(serviceText('ledger', { protocol: 'http' }));
    expect(other.findings.map(({ code }) => code)).toContain('address-goes');
    const shared = await plan(serviceText('greet', { protocol: 'http' }));
    expect(shared.findings.map(({ code }) => code)).toContain('address-goes');
    const same = await plan(serviceText('orders', { protocol: 'http2' }));
    expect(same.findings.map(({ code }) => code)).not.toContain('address-goes');
  });
});

describe('a mesh that becomes STRICT', () => {
  const PERMISSIVE = meshText({ mtls: { mode: 'PERMISSIVE' } });

  it('is refused while plaintext is used, until forced; callers in the mesh notice nothing', async () => {
    const [called] = shop.called;
    if (!called) throw new Error('nobody is called');
    expect(await underLoad(() => apply(PERMISSIVE))).toEqual({});
    // Without plaintext there is nothing against it, and nothing in the plan.
    expect((await plan(meshText({}))).findings.filter(({ code }) => code === 'plaintext-in-use')).toEqual([]);
    const outside = plaintext(called);
    try {
      await until('the plan knows of plaintext', PATIENCE_MS, async () => {
        const { findings } = await plan(meshText({}));
        return findings.some(({ code, resource }) => code === 'plaintext-in-use' && resource.name === 'orders');
      });
      await expect(apply(meshText({}))).rejects.toThrow(/409.*plaintext-in-use.*Service shop\/orders \(\d+\)/s);
      expect(outside.failures).toEqual([]);
      let change = '';
      expect(
        await underLoad(async () => {
          ({ change } = await force(meshText({})));
          await shop.mesh.delivered(change);
        }),
      ).toEqual({});
      await until('plaintext is refused', PATIENCE_MS, async () => outside.failures.length > 0);
      const audit = await shop.mesh.controlPlane.request<unknown>('GET', '/api/v1/meshes/default/audit?limit=5');
      expect(JSON.stringify(audit)).toMatch(/"code":"forced".*plaintext-in-use.*shop\/orders/);
    } finally {
      await outside.stop();
    }
  });
});

describe('another trust domain', () => {
  const OLD = 'default.heddle.local';
  const NEW = 'mesh.example.com';
  const expand = meshText({ trustDomainAliases: [NEW] });
  const callers = meshText({ trustDomain: NEW, trustDomainAliases: [OLD] });
  const contract = meshText({ trustDomain: NEW });

  it('is refused at once, and step by step no request fails', async () => {
    await expect(apply(contract)).rejects.toThrow(/409.*trust-domain-in-use.*first add mesh\.example\.com/s);
    await expect(apply(callers)).rejects.toThrow(/409.*trust-domain-in-use/s);
    expect(await underLoad(() => apply(expand)), 'expand').toEqual({});
    const ghost = await away();
    await expect(apply(callers)).rejects.toThrow(/409.*stage-not-delivered.*shop\/ghost/s);
    await shop.mesh.controlPlane.request('DELETE', ghost);
    expect(
      await underLoad(async () => {
        await apply(callers);
        await everyoneIs(NEW);
      }),
      'callers',
    ).toEqual({});
    await expect(apply(contract)).rejects.toThrow(/409.*trust-domain-aliases-in-use.*another 12 hours/s);
    // New clusters, so new connections: 12 hours in a moment.
    await apply(serviceText('orders', { protocol: 'http2' }));
    await apply(serviceText('greet', { selector: { workload: 'green' } }));
    expect(
      await underLoad(async () => {
        const { change } = await force(contract);
        await shop.mesh.delivered(change);
      }),
      'contract',
    ).toEqual({});
  });

  /** A registered instance without a proxy. @returns its path */
  async function away(): Promise<string> {
    const address = '127.0.40.99';
    const path = `${INSTANCES}/ghost`;
    await shop.mesh.controlPlane.request('PUT', path, {
      ...{
        workload: 'ghost',
        labels: {},
        bind: { address, ports: PORTS },
        app: { address: '127.0.30.99', ports: PORTS },
      },
      outbound: { address: '127.240.0.1', httpPort: 15001 },
    });
    return path;
  }

  const everyoneIs = (domain: string): Promise<unknown> =>
    until(`everybody has a certificate of ${domain}`, PATIENCE_MS, async () => {
      const pages = await Promise.all(
        [...shop.callers, ...shop.called].map(({ sidecar }) => sidecar.adminPage('/certs')),
      );
      return pages.every((page) => page.includes(`spiffe://${domain}/shop/`));
    });
});
