import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { Hook } from '../../../../libs/alerts/testing/servers.js';
import { FakeXdsClient } from '../../../../libs/testing/src/xds-client/index.js';
import { EXIT } from '../exit-codes.js';
import { freePorts, startUp } from '../testing/control-plane.js';
import { service } from '../testing/manifests.js';
import { registeredProxy } from '../testing/registered-proxy.js';
import { Terminal } from '../testing/terminal.js';

const WORDS = "cluster 'shop/bad/8080': no such lb policy";

const user = new Terminal();
let web: FakeXdsClient;
let hook: Hook;

beforeAll(async () => {
  hook = await Hook.start();
  const ports = await freePorts();
  const secrets = join(user.dir, 'secrets/default/shop');
  mkdirSync(secrets, { recursive: true });
  writeFileSync(join(secrets, 'oncall'), 's3cret');
  const flags = [
    '--alerts-every-seconds',
    '1',
    '--alerts-allowed-hosts',
    '127.0.0.1',
    '--alerts-secrets-dir',
    'secrets',
  ];
  const up = startUp(user, ports, ...flags, '--alerts-external-url', 'https://heddle.example.com/');
  await up.said(/you are logged in as admin/);
  const proxy = await registeredProxy(user, { ports, workload: 'web', address: '127.0.43.5' });
  web = new FakeXdsClient(proxy).connect().subscribe(TYPE.cluster).subscribe(TYPE.listener);
  await web.waitFor((client) => client.responses.length > 0);
});

afterAll(async () => {
  web?.disconnect();
  await user.close();
  await hook?.stop();
});

const refuseClusters = ({ type, resources }: { type: string; resources: readonly { name: string }[] }) =>
  type === TYPE.cluster && resources.some(({ name }) => name.startsWith('shop/bad/')) ? WORDS : undefined;
const apply = (text: string) => user.pipe(text, 'apply', '--yes', '-f', '-');
const receiver = () => `
apiVersion: heddle.dev/v1alpha1
kind: AlertReceiver
metadata: { name: oncall, namespace: shop }
spec:
  webhook: { url: "${hook.url()}", tokenSecret: oncall }
  groupWait: 0s
  groupInterval: 1s
`;

describe('heddle alerts, with nothing the matter', () => {
  it('says what one may do, and what is watched by itself', async () => {
    expect((await user.heddle('alerts')).out).toMatch(/^nothing fires\nheddle alerts rules .*docs\/alerts\.md/s);
    expect((await user.heddle('alerts', 'receivers')).out).toMatch(/nobody is told .*kind: AlertReceiver/s);
    expect((await user.heddle('alerts', 'silences')).out).toContain('heddle alerts silence NAME --for 2h');
    expect((await user.heddle('alerts', 'history')).out).toContain('no alert has begun or ended');
    expect((await user.heddle('slo')).out).toMatch(/no objective is written.*kind: ServiceLevelObjective/s);
    const { out } = await user.heddle('alerts', 'rules');
    expect(out).toMatch(/builtin:ProxiesRefusing +ProxiesRefusing +critical +evaluated/);
    expect(out).toMatch(/builtin:TelemetryIncomplete +TelemetryIncomplete +warning +evaluated/);
  });

  it.each([
    [['alerts', '--state', 'bad'], /--state bad: it must be pending, firing, resolved/],
    [['alerts', 'silence', 'x=~"("', '--for', '1h', '--reason', 'y'], /x=~"\(": it must be a regular expression/],
    [['alerts', 'silence', 'x', '--for', 'soon', '--reason', 'y'], /--for soon: a time such as/],
    [['alerts', 'silence', 'x', '--for', '1h'], /--reason/],
    [['alerts', 'unsilence', 'x'], /the id x: a whole number/],
  ])('refuses %j', async (args, words) => {
    expect(await user.heddle(...args)).toMatchObject({ code: EXIT.usage, err: expect.stringMatching(words) });
  });
});

describe('a proxy that refuses a change', () => {
  it('is an alert that the webhook gets, silences hold back, and the rollback ends', async () => {
    expect((await apply(receiver())).code).toBe(EXIT.ok);
    const tested = await user.heddle('alerts', 'test', 'oncall', '-n', 'shop');
    expect([tested.code, tested.out]).toEqual([EXIT.ok, expect.stringMatching(/^oncall was told \(\d+ ms\)\n$/)]);
    expect(hook.received[0]?.headers.authorization).toBe('Bearer s3cret');

    web.judgeWith(refuseClusters);
    const { out } = await apply(service('bad'));
    const change = /change (c-\d+)/.exec(out)?.[1] ?? '';
    await expect.poll(() => hook.told).toEqual(['firing Test', 'firing ProxiesRefusing']);
    expect(hook.received[1]?.body).toMatchObject({
      receiver: 'shop/oncall',
      externalURL: 'https://heddle.example.com',
      alerts: [
        {
          labels: { namespace: 'shop', workload: 'web', severity: 'critical', mesh: 'default' },
          annotations: { summary: `one proxy of shop/web refuses configuration: web-1: CDS shop/bad/8080: ${WORDS}` },
        },
      ],
    });
    const shown = await user.heddle('alerts');
    expect(shown.out).toMatch(/firing +critical +shop\/ProxiesRefusing .*web-1: CDS shop\/bad\/8080/s);
    expect((await user.heddle('alerts', 'receivers')).out).toMatch(
      /shop\/oncall +Namespace +Webhook 127\.0\.0\.1:\d+ +20\S+Z +0/,
    );

    const hushed = await user.heddle(
      'alerts',
      'silence',
      'ProxiesRefusing',
      '-n',
      'shop',
      '--for',
      '1h',
      '--reason',
      'known',
    );
    const [, id = ''] = /^silence (\d+) in namespace shop until/.exec(hushed.out) ?? [];
    expect((await user.heddle('alerts')).out).toContain(`firing (silence ${id})`);
    expect((await user.heddle('alerts', 'silences')).out).toMatch(
      new RegExp(`${id} +shop +alertname="ProxiesRefusing" .*known`),
    );
    expect((await user.heddle('audit', 'search', '--action', 'silence')).out).toMatch(/silence applied .*known/);
    expect((await user.heddle('alerts', 'unsilence', id)).code).toBe(EXIT.ok);
    expect(await user.heddle('alerts', 'unsilence', id)).toMatchObject({ code: EXIT.notFound });

    web.judgeWith(() => undefined);
    expect((await user.heddle('rollback', change, '--yes')).code).toBe(EXIT.ok);
    await expect.poll(() => hook.told).toEqual(['firing Test', 'firing ProxiesRefusing', 'resolved ProxiesRefusing']);
    const history = await user.heddle('alerts', 'history', '--since', '1h', '-o', 'json');
    expect(JSON.parse(history.out).items).toMatchObject([
      { name: 'ProxiesRefusing', state: 'resolved' },
      { name: 'ProxiesRefusing', state: 'firing' },
    ]);
    expect(JSON.parse((await user.heddle('alerts', '--state', 'firing', '-o', 'json')).out)).toEqual({
      items: [],
      hidden: 0,
    });
  });

  it('SEC-63: the secrets of receivers are in no answer, export or history', async () => {
    const said = [
      await user.heddle('export'),
      await user.heddle('get', 'receivers', 'oncall', '-n', 'shop', '-o', 'yaml'),
      await user.heddle('alerts', 'receivers', '-o', 'json'),
      await user.heddle('audit', 'search', '-o', 'json'),
    ];
    for (const { code, out } of said) expect([code, out]).toEqual([EXIT.ok, expect.not.stringContaining('s3cret')]);
    expect(said[0]?.out).toContain('tokenSecret: oncall');
  });

  it('a test of a receiver that is not there, or leads where it may not, says so', async () => {
    expect(await user.heddle('alerts', 'test', 'absent', '-n', 'shop')).toMatchObject({ code: EXIT.notFound });
    await apply(
      receiver()
        .replace('oncall', 'inside')
        .replace(/url: "[^"]+"/, 'url: "https://169.254.169.254/latest"'),
    );
    expect(await user.heddle('alerts', 'test', 'inside', '-n', 'shop')).toMatchObject({
      code: EXIT.refused,
      err: expect.stringMatching(
        /inside was not told: 169\.254\.169\.254 leads to an address that is not public.*alerts\.allowedHosts/,
      ),
    });
  });

  it('objectives say that too little is known of the traffic, and are in the file for Prometheus', async () => {
    const slo = `{apiVersion: heddle.dev/v1alpha1, kind: ServiceLevelObjective, metadata: {name: orders, namespace: shop}, spec: {targetRef: {kind: Service, name: orders}, objective: 99.9, availability: {}}}`;
    expect((await apply(slo)).code).toBe(EXIT.ok);
    expect((await user.heddle('slo')).out).toMatch(
      /shop\/orders +Service orders +99\.9 % did not fail in 30d +not known .*too few requests/s,
    );
    expect((await user.heddle('alerts', 'prometheus-rules')).out).toMatch(
      /^# Rules for Prometheus .*\n {6}- alert: orders\n/s,
    );
  });
});
