import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type CallResult, callerSpiffeId, type Hop } from './hop.js';
import { readBody } from './outbound.js';
import { ShopService, type ShopServiceOptions } from './service.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
});

async function start(options: Partial<ShopServiceOptions> = {}): Promise<ShopService> {
  const service = new ShopService({
    service: 'web',
    version: 'v1',
    instance: 'web-1',
    address: '127.0.0.1',
    httpPort: 0,
    outbound: '127.0.0.1:1',
    ...options,
  });
  await service.start();
  cleanUp.push(() => service.stop());
  return service;
}

/** Stands where the sidecars stand: routes by Host, and adds the headers that an inbound sidecar adds. */
async function startMesh(ports: () => Record<string, number>): Promise<string> {
  const mesh: Server = createServer((incoming, outgoing) => {
    const host = incoming.headers.host ?? '';
    const url = new URL(incoming.url ?? '', 'http://none');
    const headers = {
      ...incoming.headers,
      'x-forwarded-client-cert': 'By=spiffe://t/x;Hash=ab;URI=spiffe://t/shop/caller',
      'x-envoy-attempt-count': '2',
    };
    const options = {
      host: '127.0.0.1',
      port: ports()[host],
      path: url.pathname + url.search,
      method: incoming.method,
      headers,
      agent: false,
    };
    const inner = request(options, (response) => {
      outgoing.writeHead(response.statusCode ?? 0, response.headers);
      response.pipe(outgoing);
    });
    inner.on('error', () => outgoing.writeHead(503).end('no such host'));
    incoming.pipe(inner);
  });
  await new Promise<void>((resolve) => mesh.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => mesh.close());
  return `127.0.0.1:${(mesh.address() as AddressInfo).port}`;
}

const json = async (
  service: ShopService,
  path: string,
  init?: RequestInit,
): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`http://127.0.0.1:${service.httpPort}${path}`, init);
  return { status: response.status, body: await response.json() };
};

describe('the shop', () => {
  it('answers with every hop: web calls orders and catalog, both call payments, by gRPC and by HTTP', async () => {
    const ports: Record<string, number> = {};
    const outbound = await startMesh(() => ports);
    const payments = await start({ service: 'payments', instance: 'payments-1', grpcPort: 0, outbound });
    const grpcTarget = `127.0.0.1:${payments.grpcPort}`;
    const orders = await start({ service: 'orders', version: 'blue', instance: 'orders-blue-1', outbound, grpcTarget });
    const catalog = await start({ service: 'catalog', instance: 'catalog-1', outbound });
    Object.assign(ports, { orders: orders.httpPort, catalog: catalog.httpPort, payments: payments.httpPort });
    const web = await start({ outbound });
    const { status, body } = await json(web, '/shop');
    expect(status).toBe(200);
    const hop = { callerSpiffeId: 'spiffe://t/shop/caller', attempt: 2, method: 'GET' };
    const charged = (answer: object) => [
      { status: 200, answer: { service: 'payments', instance: 'payments-1', ...answer } },
    ];
    expect(body).toMatchObject({
      service: 'web',
      instance: 'web-1',
      callerSpiffeId: null,
      attempt: 0,
      path: '/shop',
      calls: [
        {
          to: 'http://orders/checkout',
          status: 200,
          answer: { ...hop, service: 'orders', version: 'blue', path: '/checkout', calls: charged({ method: 'gRPC' }) },
        },
        {
          to: 'http://catalog/items',
          status: 200,
          answer: {
            ...hop,
            service: 'catalog',
            path: '/items',
            headers: { host: 'catalog' },
            calls: charged({ method: 'GET', path: '/charge' }),
          },
        },
      ],
    });
  });

  it('is 502 when a service it needs fails, and says which and why', async () => {
    const { status, body } = await json(await start({ service: 'catalog' }), '/items');
    expect(status).toBe(502);
    expect((body as Hop).calls).toEqual([
      { to: 'http://payments/charge', status: 0, answer: null, error: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  it('calls any URL of the mesh on request and tells status and answer', async () => {
    const ports: Record<string, number> = {};
    const web = await start({ outbound: await startMesh(() => ports) });
    ports['web'] = web.httpPort;
    const call = `/call?url=${encodeURIComponent('http://web/work?a=1')}&method=POST&h.x-user=ann`;
    const { body } = await json(web, call, { method: 'POST', body: 'some work' });
    expect(body).toMatchObject({
      status: 200,
      answer: { path: '/work?a=1', method: 'POST', echo: 'some work', headers: { 'x-user': 'ann', host: 'web' } },
    });
    expect((await json(web, '/call?url=http://nobody/')).body).toMatchObject({ status: 503, answer: 'no such host' });
    expect((await json(web, '/call?url=nonsense')).body).toMatchObject({ status: 0 });
    expect(((await json(web, '/call?url=grpc:Payments.Charge')).body as CallResult).error).toContain('--grpc-target');
    expect((await json(web, '/call')).status).toBe(400);
  });

  it('tells a gRPC call that fails as the HTTP status that says the same', async () => {
    const orders = await start({ service: 'orders', grpcTarget: '127.0.0.1:1' });
    expect((await json(orders, '/call?url=grpc:Payments.Charge')).body).toMatchObject({ status: 503, answer: null });
  });

  it('fails the first calls of a key, then succeeds', async () => {
    const web = await start();
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await json(web, '/flaky?fail=2&key=k')).status);
    expect(statuses).toEqual([503, 503, 200, 200]);
    expect((await json(web, '/flaky?fail=1&key=other')).status).toBe(503);
    expect((await json(web, '/healthz')).body).toEqual({ ok: true });
  });

  it('finishes what runs before it stops, and takes nothing new', async () => {
    const web = await start();
    const running = json(web, '/slow?ms=300');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = web.stop();
    // A process that this one is just starting elsewhere has the socket, too, until it has become another program.
    await expect.poll(() => connected(web.httpPort).catch(String)).toMatch(/ECONNREFUSED/);
    expect((await running).status).toBe(200);
    await stopped;
  });
});

describe('the caller of a request', () => {
  it.each([
    [undefined, null],
    ['By=spiffe://t/x;Hash=ab;URI=spiffe://t/shop/web', 'spiffe://t/shop/web'],
    ['URI=spiffe://t/forged,By=spiffe://t/x;URI=spiffe://t/shop/web', 'spiffe://t/shop/web'],
    ['Subject="CN=a,URI=spiffe://t/forged";URI=spiffe://t/shop/web', 'spiffe://t/shop/web'],
    ['Subject="a;URI=spiffe://t/forged"', null],
    ['Hash=ab', null],
  ])('is read from %s', (header, caller) => {
    expect(callerSpiffeId(header)).toBe(caller);
  });
});

describe('a body', () => {
  it('is read whole', async () => {
    const server = createServer(
      (incoming, outgoing) => void readBody(incoming).then((text) => outgoing.end(String(text.length))),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => server.close());
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      method: 'POST',
      body: 'x'.repeat(200_000),
    });
    expect(await response.text()).toBe('200000');
  });
});

function connected(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', reject);
  });
}
