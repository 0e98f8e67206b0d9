import 'reflect-metadata';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificate, selfSigned } from '../../../../test/self-signed.js';
import { Hook, MailServer, type MailServerOptions } from '../../testing/servers.js';
import { receiver } from '../testing/examples.js';
import { Egress } from './egress.js';
import { DeliveryFailed } from './failure.js';
import { testNotification } from './notification.js';
import { AlertSecrets } from './secrets.js';
import { Sender } from './sender.js';

const NAME = 'hooks.test';
const notification = testNotification('shop/r', 'default', 0);
const egress = new Egress(['127.0.0.1'], () => Promise.resolve(['127.0.0.1']));

let certificate: Certificate;
let directory: string;
const open: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  certificate = await selfSigned([{ type: 'dns', value: NAME }]);
  directory = mkdtempSync(join(tmpdir(), 'heddle-alerts-'));
  mkdirSync(join(directory, 'default/shop'), { recursive: true });
  mkdirSync(join(directory, 'default/bank'), { recursive: true });
  writeFileSync(join(directory, 'default/shop/token'), 's3cret\n');
  writeFileSync(join(directory, 'default/bank/token'), 'of the bank');
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});
afterAll(() => rmSync(directory, { recursive: true }));

function sender(options: Partial<ConstructorParameters<typeof Sender>[0]> = {}): Sender {
  return new Sender({
    egress,
    secrets: new AlertSecrets(directory),
    ca: [certificate.certificate],
    timeoutMs: 3_000,
    ...options,
  });
}
const send = (spec: string, by = sender()): Promise<void> =>
  by.send({ mesh: 'default', receiver: receiver('r', spec), notification, id: 'alert-7' });
async function failure(spec: string, by = sender()): Promise<{ readonly message: string; readonly again: boolean }> {
  try {
    await send(spec, by);
  } catch (error) {
    if (error instanceof DeliveryFailed) return { message: error.message, again: error.isWorthAnotherTry };
    throw error;
  }
  throw new Error('it was sent');
}
async function hookOf(tls = false): Promise<Hook> {
  const hook = await Hook.start(tls ? certificate : undefined);
  open.push(hook);
  return hook;
}

describe('webhooks', () => {
  it('get the document of Alertmanager over TLS, with their token and the name of the notification', async () => {
    const hook = await hookOf(true);
    await send(`{webhook: {url: "${hook.url(NAME)}", tokenSecret: token}}`);
    const [{ path, headers, body } = { path: '', headers: {}, body: undefined }] = hook.received;
    expect([path, headers.host, headers['content-type']]).toEqual([
      '/hook',
      `${NAME}:${hook.port}`,
      'application/json',
    ]);
    expect([headers.authorization, headers['idempotency-key']]).toEqual(['Bearer s3cret', 'alert-7']);
    expect(body).toMatchObject({
      version: '4',
      status: 'firing',
      receiver: 'shop/r',
      alerts: [{ status: 'firing', endsAt: '0001-01-01T00:00:00Z' }],
    });
  });

  it('in the shape of Slack, whose URL is a secret', async () => {
    const hook = await hookOf();
    writeFileSync(join(directory, 'default/shop/slack'), `${hook.url('127.0.0.1', '/services/T0/B0/x')}\n`);
    await send(`{slack: {urlSecret: slack, channel: '#oncall'}}`);
    expect(hook.received[0]).toMatchObject({
      path: '/services/T0/B0/x',
      body: { channel: '#oncall', text: '[FIRING:1] Test (default)' },
    });
    hook.status = 404;
    expect((await failure(`{slack: {urlSecret: slack}}`)).message).toBe(`127.0.0.1:${hook.port} answered with 404`);
  });

  it('TLS is verified: a certificate that nobody signed, and one of another name', async () => {
    const hook = await hookOf(true);
    const spec = (host: string) => `{webhook: {url: "${hook.url(host)}"}}`;
    const untrusting = sender({ ca: undefined });
    expect((await failure(spec(NAME), untrusting)).message).toContain('has a certificate that is not trusted');
    expect((await failure(spec('other.test'))).message).toContain('not trusted (ERR_TLS_CERT_ALTNAME_INVALID)');
    expect((await failure(spec('127.0.0.1'))).message).toContain('not trusted');
    expect(hook.received).toEqual([]);
  });

  it.each([
    [500, true],
    [429, true],
    [401, true],
    [404, true],
    [400, false],
    [413, false],
  ])('an answer of %i is worth another try: %s', async (status, again) => {
    const hook = await hookOf();
    Object.assign(hook, { status, answer: '<script>secret of the inside</script>' });
    expect(await failure(`{webhook: {url: "${hook.url()}"}}`)).toEqual({
      message: `127.0.0.1:${hook.port} answered with ${status}`,
      again,
    });
  });

  it('SEC-41: redirects are not followed, and a flood of an answer is cut off', async () => {
    const [hook, inside] = [await hookOf(), await hookOf()];
    Object.assign(hook, { status: 302, headers: { location: inside.url() } });
    expect((await failure(`{webhook: {url: "${hook.url()}"}}`)).message).toContain('answered with 302');
    expect(inside.connections).toBe(0);
    Object.assign(hook, { status: 200, headers: {}, answer: 'x'.repeat(50_000_000) });
    await send(`{webhook: {url: "${hook.url()}"}}`);
  });

  it('one that does not answer, and one that is not there, say so in time', async () => {
    const hook = await hookOf();
    hook.isDeaf = true;
    const spec = `{webhook: {url: "${hook.url()}"}}`;
    expect(await failure(spec, sender({ timeoutMs: 100 }))).toEqual({
      message: `127.0.0.1:${hook.port} did not answer in time`,
      again: true,
    });
    await open.pop()?.stop();
    expect((await failure(spec)).message).toContain('cannot be reached (ECONNREFUSED)');
  });
});

describe('secrets', () => {
  it.each([
    ['one that is not there', 'absent', 'the secret default/shop/absent is not there'],
    ['one of another namespace is another one', 'token', 's3cret'],
  ])('%s', async (_, name, words) => {
    const hook = await hookOf();
    const spec = `{webhook: {url: "${hook.url()}", tokenSecret: ${name}}}`;
    const outcome = await send(spec).then(
      () => String(hook.received[0]?.headers.authorization),
      (error: Error) => error.message,
    );
    expect(outcome).toContain(words);
  });

  it('a control plane without a directory for them has none', async () => {
    const none = sender({ secrets: new AlertSecrets('') });
    const { message } = await failure('{webhook: {url: "https://a.example.com", tokenSecret: token}}', none);
    expect(message).toContain('no alerts.secretsDir');
  });
});

describe('e-mail', () => {
  async function mailServer(options: Partial<MailServerOptions> = {}): Promise<MailServer> {
    const server = await MailServer.start({ ...certificate, ...options });
    open.push(server);
    return server;
  }
  const spec = ({ port }: MailServer, more = ''): string =>
    `{email: {to: [oncall@example.com], from: heddle@example.com, host: ${NAME}, port: ${port}${more}}}`;
  const LOGIN = ', username: heddle, passwordSecret: token';

  it.each([
    ['STARTTLS', false, ''],
    ['implicit TLS', true, ', tls: Implicit'],
  ])('goes over %s, with a login', async (_, implicit, more) => {
    const server = await mailServer({ implicit, login: { user: 'heddle', password: 's3cret' } });
    await send(spec(server, more + LOGIN));
    const [mail = ''] = server.mails;
    expect(mail).toMatch(/^Subject: \[FIRING:1\] Test \(default\)\r$/m);
    expect(mail).toMatch(/^To: oncall@example\.com\r$/m);
    expect(mail).toMatch(/^Message-ID: <heddle-alert-7@example\.com>\r$/m);
    expect(mail).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(mail).toContain('this is a test of the receiver shop/r');
  });

  it.each<[string, Partial<MailServerOptions>, string, { message: string; again: boolean }]>([
    ['a server without TLS', { plain: true }, '', { message: `${NAME} does not offer TLS`, again: true }],
    [
      'a login that is not accepted',
      { login: { user: 'heddle', password: 'other' } },
      LOGIN,
      { message: `${NAME} does not accept the login (535)`, again: true },
    ],
    [
      'a recipient that is refused for now',
      { refuses: 450 },
      '',
      { message: `${NAME} refused the message (450)`, again: true },
    ],
    [
      'a recipient that is refused',
      { refuses: 550 },
      '',
      { message: `${NAME} refused the message (550)`, again: false },
    ],
  ])('%s is said without the words of the server', async (_, options, more, expected) => {
    const server = await mailServer(options);
    expect(await failure(spec(server, more))).toEqual(expected);
    expect(server.mails).toEqual([]);
  });

  it('TLS is verified', async () => {
    const server = await mailServer();
    const other = spec(server).replace(NAME, 'other.test');
    for (const [one, by] of [
      [spec(server), sender({ ca: undefined })],
      [other, sender()],
    ] as const)
      expect((await failure(one, by)).message).toMatch(/not trusted/);
    expect(server.mails).toEqual([]);
  });

  it('SEC-41: a server of the own network is refused unless it is allowed, before a socket is opened', async () => {
    const server = await mailServer();
    const strict = sender({ egress: new Egress([], () => Promise.resolve(['127.0.0.1'])) });
    expect((await failure(spec(server), strict)).message).toContain('not public');
  });

  it('one that says nothing is given up in time', async () => {
    const hook = await hookOf();
    const silent = `{email: {to: [a@example.com], from: b@example.com, host: ${NAME}, port: ${hook.port}}}`;
    expect(await failure(silent, sender({ timeoutMs: 200 }))).toEqual({
      message: `${NAME} did not answer in time`,
      again: true,
    });
  });
});
