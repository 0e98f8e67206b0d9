import 'reflect-metadata';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Log, silentLog, silentMetrics } from '#libs/kernel';
import { HandClock } from '../../../../../libs/testing/src/clock/index.js';
import { selfSigned } from '../../../../../test/self-signed.js';
import { groupMap } from './oidc.schema.js';
import { Provider } from './provider.js';
import type { OidcSettings } from './settings.js';

/** Keeps how long was waited each time. */
class WatchedClock extends HandClock {
  readonly waits: number[] = [];

  override after(ms: number, task: () => void): () => void {
    this.waits.push(ms);
    return super.after(ms, task);
  }
}

type Reply = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let issuer = '';
let reply: Reply = (_, response) => response.end();
let asked: string[] = [];
let directory = '';
let provider: Provider | undefined;
let clock = new WatchedClock();
let warned: unknown[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heddle-provider-'));
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    reply(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  asked = [];
  warned = [];
  clock = new WatchedClock();
});
afterEach(() => provider?.stop());

const metadata = (more: object = {}): object => ({
  ...{
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
  },
  ...more,
});

const json =
  (body: object, status = 200): Reply =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };

const log: Log = { ...silentLog, warn: (_, fields) => void warned.push(fields?.['reason']) };

function start(more: Partial<OidcSettings> = {}): Provider {
  const settings: OidcSettings = {
    ...{
      issuer,
      clientId: 'heddle',
      clientSecretFile: undefined,
      clientAuth: 'basic',
      origin: 'http://localhost:8190',
    },
    ...{ label: 'x', scopes: ['openid'], sessionMs: 1, ca: undefined, provider: 'p', groups: groupMap([]) },
    ...{ userClaim: 'email', groupsClaim: 'groups', ...more },
  };
  provider = new Provider({ settings, clock, log, metrics: silentMetrics });
  provider.start();
  return provider;
}

describe('a provider', () => {
  it.each<[string, () => Reply, RegExp]>([
    ['answers with an error', () => json({}, 503), /unexpected HTTP response status code \(status 503\)/],
    ['is another', () => json(metadata({ issuer: 'https://evil.example' })), /issuer|another name/],
    ['says something else', () => (_, response) => response.end('<html>'), /unexpected response content-type/],
    [
      'sends one on (SEC-41)',
      () => (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      /status 302/,
    ],
    ['says too much (SEC-41)', () => json({ issuer, x: 'x'.repeat(300_000) }), /more than 256 KB/],
    ['logs people in without TLS', () => json(metadata({ authorization_endpoint: 'http://id.example/' })), /not https/],
    [
      'logs people in by a script',
      () => json(metadata({ authorization_endpoint: 'javascript:alert(1)' })),
      /not https/,
    ],
    ['cuts the connection', () => (request) => request.socket.destroy(), /cannot be reached \(ECONNRESET\)/],
  ])('that %s is not used, and the log says why', async (_, of, why) => {
    reply = of();
    const { problem } = start();
    expect(problem).toBe('it has not answered yet');
    await expect.poll(() => provider?.problem).toMatch(why);
    await expect(provider?.begin()).rejects.toMatchObject({ code: 'unreachable' });
    expect(warned).toEqual([expect.stringMatching(why)]);
  });

  it('is tried again, ever less often, until it can be used; each reason is logged once', async () => {
    reply = json({}, 503);
    start();
    for (let tries = 1; tries <= 8; tries += 1) {
      await expect.poll(() => clock.waits.length).toBe(tries);
      expect(asked).toHaveLength(tries);
      if (tries === 8) reply = json(metadata());
      await clock.advance(clock.waits.at(-1) ?? 0);
    }
    await expect.poll(() => provider?.problem).toBeUndefined();
    expect(clock.waits.map((ms) => ms / 1_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 3_600]);
    expect(warned).toHaveLength(1);
  });

  it('that was found before counts on while it is away, with what is known', async () => {
    reply = json(metadata());
    start();
    await expect.poll(() => provider?.problem).toBeUndefined();
    reply = json({}, 503);
    await clock.advance(3_600_000);
    await expect.poll(() => warned.length).toBe(1);
    expect(new URL((await provider?.begin())?.url ?? '').pathname).toBe('/authorize');
  });

  it('cannot be used while its secret cannot be read: the log names the file, the page does not', async () => {
    reply = json(metadata());
    const clientSecretFile = join(directory, 'secret');
    start({ clientSecretFile });
    await expect.poll(() => provider?.problem).toBe('its secret cannot be read');
    expect(warned).toEqual([
      expect.stringContaining(`oidc.clientSecretFile ${clientSecretFile} cannot be read (ENOENT)`),
    ]);
    writeFileSync(clientSecretFile, 'x');
    provider?.readAgain();
    await expect.poll(() => provider?.problem).toBeUndefined();
  });

  it('is left by its page for that, if it has one', async () => {
    reply = json(metadata({ end_session_endpoint: `${issuer}/bye` }));
    expect(start().logoutUrl()).toBeUndefined();
    await expect.poll(() => provider?.problem).toBeUndefined();
    const url = new URL(provider?.logoutUrl() ?? '');
    expect([url.pathname, Object.fromEntries(url.searchParams)]).toEqual([
      '/bye',
      { client_id: 'heddle', post_logout_redirect_uri: 'http://localhost:8190/login' },
    ]);
  });

  it('SEC-41 by TLS is the one of its certificate', async () => {
    const [named, other] = [
      await selfSigned([{ type: 'ip', value: '127.0.0.1' }]),
      await selfSigned([{ type: 'dns', value: 'x' }]),
    ];
    for (const [certificate, ca, why] of [
      [named, [named.certificate], /^none$/],
      [named, undefined, /its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): oidc.caFile/],
      [other, [other.certificate], /its certificate is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
    ] as const) {
      const secure = createTlsServer({ cert: certificate.certificate, key: certificate.key }, (_, response) => {
        const place = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
        json({ issuer: place, authorization_endpoint: place, token_endpoint: place, jwks_uri: place })(_, response);
      }).listen(0, '127.0.0.1');
      await once(secure, 'listening');
      start({ issuer: `https://127.0.0.1:${(secure.address() as AddressInfo).port}`, ca });
      await expect.poll(() => provider?.problem ?? 'none').toMatch(why);
      provider?.stop();
      secure.closeAllConnections();
      secure.close();
    }
  });
});
