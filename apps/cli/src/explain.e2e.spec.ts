import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.js';
import { loggedIn } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { Terminal } from './testing/terminal.js';

const user = new Terminal();

const POLICIES = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - name: canary
      matches: [{ headers: [{ name: x-canary, value: "yes" }] }]
      backendRefs: [{ name: web, port: 8080 }]
    - name: rest
      backendRefs: [{ name: orders, port: 8080 }]
---
apiVersion: heddle.dev/v1alpha1
kind: TimeoutPolicy
metadata: { name: orders, namespace: shop }
spec: { targetRef: { kind: Service, name: orders }, request: 3s }
---
apiVersion: heddle.dev/v1alpha1
kind: TimeoutPolicy
metadata: { name: later, namespace: shop }
spec: { request: 9s }
`;

beforeAll(async () => {
  await loggedIn(user);
  user.write('shop/services.yaml', `${service('orders')}---\n${service('web')}`);
  user.write('policies.yaml', POLICIES);
  for (const file of ['shop/services.yaml', 'policies.yaml'])
    expect(await user.heddle('apply', '--yes', '-f', file)).toMatchObject({ code: EXIT.ok });
  // Registered, never connected: explanations need no live stream.
  for (const [workload, address] of [
    ['web', '127.0.61.1'],
    ['orders', '127.0.61.2'],
  ] as const) {
    const flags = ['--workload', workload, '--bind', address, '-n', 'shop', '--out', workload];
    expect(await user.heddle('proxy', 'bootstrap', ...flags)).toMatchObject({ code: EXIT.ok });
  }
});

afterAll(() => user.close());

const explain = (...args: readonly string[]) => user.heddle('explain', ...args, '-n', 'shop');

describe('heddle explain', () => {
  it('lists what an offline proxy has', async () => {
    const { code, out } = await explain('web');
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(
      /^TYPE +NAME +OF *\nCDS +inbound\/http +Proxy shop\/web-1 *\nCDS +shop\/orders\/8080 +Service shop\/orders *\n/,
    );
    expect(out).toMatch(/RDS +shop\/orders +Service shop\/orders/);
  });

  it('shows what a resource was made from, by whom, and which policy won', async () => {
    const { code, out } = await explain('web', 'RDS', 'shop/orders');
    expect(code).toBe(EXIT.ok);
    expect(
      out.split('\n').map((line) => line.replace(/by cli-[^\s;]+/g, 'by ME').replace(/revision \d+/, 'revision N')),
    ).toEqual([
      'RDS shop/orders of shop/web-1 at revision N',
      '├─ Service shop/orders@r2  by ME',
      '├─ HTTPRoute shop/orders@r3  by ME',
      '├─ policies of callers of shop/orders/8080',
      '│  ├─ TimeoutPolicy shop/orders@r3  by ME',
      '│  └─ TimeoutPolicy shop/later@r3  by ME',
      '└─ Service shop/web@r2  by ME',
      'effective policies',
      '├─ rule canary of HTTPRoute shop/orders, port http of Service shop/orders',
      expect.stringMatching(
        /^│ {2}└─ TimeoutPolicy requestMs = 3000 {2}from TimeoutPolicy shop\/orders@r3 {2}by ME; shadows TimeoutPolicy shop\/later@r3$/,
      ),
      '└─ rule rest of HTTPRoute shop/orders, port http of Service shop/orders',
      expect.stringMatching(/^ {3}└─ TimeoutPolicy requestMs = 3000/),
      '',
    ]);
    const full = await explain('shop/web-1', 'rds shop/orders', '--full');
    expect(full.out).toContain('index routes-by-parent Service/shop/orders|shop');
    const json = await explain('web', 'EDS', 'shop/orders/8080', '-o', 'json');
    expect(JSON.parse(json.out)).toMatchObject({
      tree: { from: [{ written: { kind: 'Service' } }, { instance: { instance: 'orders-1', routable: false } }] },
    });
  });

  it('--policy shows what it touches, or who wins over it', async () => {
    const wins = await explain('--policy', 'timeoutpolicy/orders');
    expect(wins.out).toMatch(
      /affects 1 of the \d+ Envoy resources made from it\n└─ changes RDS shop\/orders {2}at 2 proxies/,
    );
    expect(wins.out).toMatch(/touches 2 of 2 proxies/);
    const loses = await explain('--policy', 'TimeoutPolicy/later');
    expect(loses.out).toMatch(/changes RDS shop\/web {2}at 2 proxies/);
    expect(loses.out).toMatch(
      /loses to\n.*shop\/orders.*\n.*TimeoutPolicy requestMs = 3000 {2}from TimeoutPolicy shop\/orders/,
    );
  });

  it('--request shows where it goes, and why not elsewhere', async () => {
    const { code, out } = await explain('--request', 'GET http://orders/v1/1', '--from', 'web');
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(
      /^GET http:\/\/orders\/v1\/1 from shop\/web-1\n├─ goes to shop\/orders\/8080 by HTTPRoute\/shop\/orders\/rest\n/,
    );
    expect(out).toContain('timeout 3000 ms');
    expect(out).toContain('no endpoint: 503');
    expect(out).toContain('HTTPRoute/shop/orders/canary: header x-canary is absent, wanted: "yes"');
    const canary = await explain('--request', 'GET http://orders/v1/1', '--from', 'web', '-H', 'x-canary: yes');
    expect(canary.out).toContain('goes to shop/web/8080 by HTTPRoute/shop/orders/canary');
  });

  it('--revision shows what it would be sent of an older revision, and what is another today', async () => {
    const { code, out } = await explain('web', '--revision', '2');
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(
      /^shop\/web-1 of revision 2; the newest is \d+\n└─ recompiled, with today's compiler and today's instances/,
    );
    expect(out).toMatch(/RDS +shop\/orders +Service shop\/orders +[0-9a-f]{12} +another content/);
    expect(out).toMatch(/CDS +shop\/orders\/8080 +Service shop\/orders +[0-9a-f]{12} +same/);
    const table = await explain('web', 'RDS', 'shop/orders', '--revision', '2');
    expect(table.out).toMatch(
      /RDS shop\/orders [0-9a-f]{12}, today: another content\nname: shop\/orders\nvirtualHosts:\n/,
    );
    expect(table.out).not.toContain('x-canary');
    expect((await explain('web', 'RDS', 'shop/orders', '--revision', '3')).out).toContain('x-canary');
    const first = await explain('web', '--revision', '1');
    expect(first.out).toMatch(/only today\n(├─ .*\n)*[├└]─ CDS shop\/orders\/8080/);
  });

  it('--at says that nothing is known of a proxy that never came', async () => {
    expect(await explain('web', '--at', '-1m')).toMatchObject({
      code: EXIT.notFound,
      err: expect.stringMatching(
        /nothing is known of what shop\/web-1 was running at 20\S+Z \(records are kept for 30 days\)/,
      ),
    });
    expect(await user.heddle('diff', 'web', '--at', '-1m', '-n', 'shop')).toMatchObject({
      err: expect.stringMatching(/nothing is known/),
    });
  });

  it.each([
    [['web', '--at', '2026-11-23T14:02'], EXIT.refused, /say of which time zone it is: 2026-11-23T14:02Z for UTC/],
    [['web', '--at', '10 minutes ago'], EXIT.refused, /how long ago \(-10m\), or a change \(c-41\)/],
    [['web', '--at', '-1m', '--revision', '2'], EXIT.usage, /--at and --revision are two questions/],
    [['web', '--at', '-1m', '--full'], EXIT.usage, /--full explains the present/],
    [['web', 'shop/orders', '--at', '-1m'], EXIT.usage, /write its type/],
    [['--policy', 'TimeoutPolicy/orders', '--at', '-1m'], EXIT.usage, /--at goes with a proxy/],
    [
      ['web', '--revision', '999'],
      EXIT.notFound,
      /there is no config revision 999 of this mesh: the newest of all is \d+/,
    ],
    [['web', '--revision', 'c-2'], EXIT.refused, /a config revision: a number from 1/],
    [['nobody'], EXIT.notFound, /no proxy shop\/nobody is registered: there are shop\/orders-1, shop\/web-1/],
    [
      ['web', 'RDS', 'shop/cart'],
      EXIT.notFound,
      /has no RDS shop\/cart: there are inbound\/http, shop\/orders, shop\/web/,
    ],
    [['web', 'shop/orders'], EXIT.usage, /write its type \(CDS, EDS, LDS, SRDS, RDS\) and name/],
    [[], EXIT.usage, /give one of these: a proxy, --policy KIND\/name, or --request with --from/],
    [['web', '--policy', 'RetryPolicy/x'], EXIT.usage, /give one of these/],
    [['--policy', 'RetryPolicy/x'], EXIT.notFound, /there is no policy RetryPolicy shop\/x/],
    [['--request', 'GET http://orders/'], EXIT.usage, /--request needs --from/],
    [['--request', 'GET orders/', '--from', 'web'], EXIT.refused, /an absolute URL, such as http:\/\/orders\/v1\/1/],
    [['--request', 'GET http://orders/', '--from', 'web', '-H', 'x'], EXIT.usage, /--header x: write 'name: value'/],
  ])('refuses %j and says what to write', async (args, code, message) => {
    expect(await explain(...args)).toMatchObject({ code, err: expect.stringMatching(message) });
  });
});
