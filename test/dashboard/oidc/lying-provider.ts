/** An identity provider that lies as it is told: no package has one. What it does not lie about, it does by the standard. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  base64url,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';

export const CLIENT = { id: 'heddle', secret: 'not-guessed' };

export type Claims = Readonly<Record<string, unknown>>;

/** What an ID token is made of. */
export interface Draft {
  readonly claims: Claims;
  readonly header: JWTHeaderParameters;
}

/** Makes the ID token. The key is the published one. */
export type Lie = (draft: Draft, key: CryptoKey) => string | Promise<string>;

export const honest: Lie = ({ claims, header }, key) => new SignJWT(claims).setProtectedHeader(header).sign(key);

/** By somebody who wrote the header himself, such as one with the algorithm `none`. */
export const unsigned = ({ claims, header }: Draft, signature = ''): string =>
  [...[header, claims].map((part) => base64url.encode(JSON.stringify(part))), signature].join('.');

interface Grant {
  readonly nonce: string;
  readonly challenge: string;
  readonly redirect: string;
  readonly claims: Claims;
  readonly lie: Lie;
}

export interface Answer {
  readonly claims?: Claims;
  readonly lie?: Lie;
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

export class LyingProvider {
  readonly #grants = new Map<string, Grant>();
  /** What is asked for by access token. */
  #userinfo: Claims = {};
  /** Answers to the token endpoint instead of tokens. */
  refuseClients = false;
  /** Of all codes that were tried, those that were refused. */
  refusedCodes = 0;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
    private readonly key: CryptoKey,
    private readonly jwk: JWK,
  ) {}

  static async start(): Promise<LyingProvider> {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new LyingProvider(server, issuer, privateKey, jwk);
    server.on(
      'request',
      (request: IncomingMessage, response: ServerResponse) => void provider.#answer(request, response),
    );
    return provider;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /** Lets somebody in who was sent to `url`. @returns the query that his browser comes back with */
  let(url: string, { claims = {}, lie = honest }: Answer = {}): URLSearchParams {
    const asked = new URL(url).searchParams;
    const code = randomBytes(16).toString('hex');
    this.#grants.set(code, {
      ...{ nonce: asked.get('nonce') ?? '', challenge: asked.get('code_challenge') ?? '', claims, lie },
      redirect: asked.get('redirect_uri') ?? '',
    });
    return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: this.issuer });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, body] = await this.#reply(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  async #reply(request: IncomingMessage): Promise<[number, unknown]> {
    switch (request.url) {
      case '/.well-known/openid-configuration':
        return [200, this.#metadata()];
      case '/jwks':
        return [200, { keys: [this.jwk] }];
      case '/userinfo':
        return [200, this.#userinfo];
      case '/token':
        return this.#tokens(new URLSearchParams(await text(request)), request.headers.authorization);
      default:
        return [404, {}];
    }
  }

  #metadata = (): object => ({
    issuer: this.issuer,
    authorization_endpoint: `${this.issuer}/authorize`,
    token_endpoint: `${this.issuer}/token`,
    userinfo_endpoint: `${this.issuer}/userinfo`,
    jwks_uri: `${this.issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    // It would even take none.
    id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
    authorization_response_iss_parameter_supported: true,
  });

  async #tokens(body: URLSearchParams, authorization: string | undefined): Promise<[number, unknown]> {
    const given = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    if (this.refuseClients || decodeURIComponent(given) !== `${CLIENT.id}:${CLIENT.secret}`)
      return [401, { error: 'invalid_client' }];
    const code = body.get('code') ?? '';
    const grant = this.#grants.get(code);
    this.#grants.delete(code);
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant?.challenge !== challenge || grant.redirect !== body.get('redirect_uri')) {
      this.refusedCodes += 1;
      return [400, { error: 'invalid_grant' }];
    }
    const now = nowSeconds();
    const claims = {
      ...{ iss: this.issuer, aud: CLIENT.id, sub: 'sub-of-ann', iat: now, exp: now + 300, nonce: grant.nonce },
      ...{ email: 'ann@example.com', email_verified: true, groups: ['shop'], ...grant.claims },
    };
    this.#userinfo = { sub: claims.sub };
    const id_token = await grant.lie({ claims, header: { alg: 'RS256', kid: 'k' } }, this.key);
    return [200, { access_token: 'an-access-token', refresh_token: 'a-refresh-token', token_type: 'Bearer', id_token }];
  }
}
