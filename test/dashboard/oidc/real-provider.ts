/** A real identity provider, certified for OpenID Connect, with some people in it. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import type { Certificate } from '../../self-signed.js';

export const CLIENT = { id: 'heddle', secret: 'a secret: of/the+dashboard%' };

/** Groups by login; whoever is not named is in none. */
const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  olivia: ['/teams/shop', '/everybody'],
  otto: ['/platform/mesh', '/everybody'],
};

export interface RealProviderOptions {
  /** 0 = any free one. */
  readonly port?: number;
  /** Where the dashboard is. */
  readonly dashboard: string;
  readonly tls?: Certificate;
}

export class RealProvider {
  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  static async start({ port = 0, dashboard, tls }: RealProviderOptions): Promise<RealProvider> {
    const server = tls ? createTlsServer({ cert: tls.certificate, key: tls.key }) : createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const issuer = `http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', providerOf(issuer, dashboard).callback());
    return new RealProvider(server, issuer);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

const providerOf = (issuer: string, dashboard: string): Provider =>
  new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${dashboard}/api/dashboard/oidc/callback`],
        post_logout_redirect_uris: [`${dashboard}/login`],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    findAccount: (_: unknown, login: string) => ({
      accountId: login,
      claims: () => ({
        sub: login,
        email: `${login}@example.com`,
        email_verified: true,
        groups: PEOPLE[login] ?? [],
      }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ['of the provider'] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  });
