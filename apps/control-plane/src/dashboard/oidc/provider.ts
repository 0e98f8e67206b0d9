import * as oidc from 'openid-client';
import type { Clock, Log, Metrics } from '#libs/kernel';
import { StartError } from '../../start-error.js';
import { isLoopback, isSafeUrl } from './oidc.schema.js';
import { reasonOf } from './provider-errors.js';
import { providerFetch } from './provider-fetch.js';
import { LoginRefused } from './refusal.js';
import { CALLBACK, type OidcSettings, secretIn } from './settings.js';
import type { Claims } from './user-of-claims.js';

/** How far the clocks of the provider and of this machine may be apart, seconds (SEC-43). */
const TOLERANCE_SECONDS = 60;
/** What the provider says of itself is asked for anew so often, milliseconds; the secret is read anew, too. */
const REFRESH_MS = 3_600_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** Signatures that are made with a key that only the provider has. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

export interface ProviderOptions {
  readonly settings: OidcSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What a login begins with. */
export interface Begun {
  /** Where the browser is to go. */
  readonly url: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** The identity provider. One that cannot be reached holds nothing up: it is tried again until it can be. */
export class Provider {
  #configuration: oidc.Configuration | undefined;
  /** For the log. */
  #why = '';
  /** For everybody. */
  #problem = 'it has not answered yet';
  #retryMs = FIRST_RETRY_MS;
  #cancel: () => void = () => {};
  #isStopped = false;

  constructor(private readonly options: ProviderOptions) {}

  /** Begins to look for it; never throws. */
  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** Why nobody can log in by it at the moment; undefined when one can. */
  get problem(): string | undefined {
    return this.#configuration === undefined ? this.#problem : undefined;
  }

  /** A login that goes by the authorization code flow with PKCE, state and nonce. @throws LoginRefused */
  async begin(): Promise<Begun> {
    const { scopes } = this.options.settings;
    const configuration = this.#ready();
    const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()];
    const url = oidc.buildAuthorizationUrl(configuration, {
      ...{ redirect_uri: this.#callback().href, scope: scopes.join(' '), state, nonce },
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, state, nonce, verifier };
  }

  /**
   * Trades what the browser came back with for what the provider says of who it is. No token is kept.
   * @param query of the callback, with its `?`
   * @throws whatever openid-client throws; LoginRefused
   */
  async finish(query: string, { state, nonce, verifier }: Omit<Begun, 'url'>): Promise<Claims> {
    const configuration = this.#ready();
    const url = this.#callback();
    url.search = query;
    const tokens = await oidc.authorizationCodeGrant(configuration, url, {
      ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new LoginRefused('provider', 'there is no ID token');
    this.#requireOwn(claims);
    return { ...(await this.#further(configuration, claims, tokens.access_token)), ...claims };
  }

  /** Where one logs out of the provider, too; undefined when it has no such place. */
  logoutUrl(): string | undefined {
    const configuration = this.#configuration;
    if (configuration?.serverMetadata().end_session_endpoint === undefined) return undefined;
    const { origin } = this.options.settings;
    return oidc.buildEndSessionUrl(configuration, { post_logout_redirect_uri: `${origin}/login` }).href;
  }

  /** For when it refuses the secret: another may be in the file by now. */
  readAgain(): void {
    this.#cancel();
    void this.#look();
  }

  #ready(): oidc.Configuration {
    if (this.#configuration !== undefined) return this.#configuration;
    throw new LoginRefused('unreachable', this.#problem);
  }

  #callback = (): URL => new URL(CALLBACK, this.options.settings.origin);

  /** An ID token for several, of whom we are one, is no proof of a login here (SEC-43). */
  #requireOwn({ aud, iat }: oidc.IDToken): void {
    const { settings, clock } = this.options;
    if ([aud].flat().join() !== settings.clientId)
      throw new LoginRefused('provider', 'the ID token is for others, too (claim aud)');
    if (iat > clock.now() / 1000 + TOLERANCE_SECONDS)
      throw new LoginRefused('provider', 'the ID token is of the future (claim iat): set the clocks');
  }

  /** Many providers say who somebody is only when they are asked by the access token, which ends there. */
  async #further(configuration: oidc.Configuration, claims: oidc.IDToken, accessToken: string): Promise<Claims> {
    const { userClaim, groupsClaim } = this.options.settings;
    const isEnough = claims[userClaim] !== undefined && claims[groupsClaim] !== undefined;
    if (isEnough || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    return oidc.fetchUserInfo(configuration, accessToken, claims.sub);
  }

  async #look(): Promise<void> {
    const { clock, log, metrics, settings } = this.options;
    const had = this.problem;
    try {
      this.#configuration = await this.#discover();
      this.#retryMs = FIRST_RETRY_MS;
      if (had !== undefined) log.info('the identity provider can be used', { issuer: settings.issuer });
    } catch (error) {
      const why = reasonOf(error);
      // Of one that was found before, what is known counts on.
      if (why !== this.#why)
        log.warn('the identity provider cannot be used; it is tried again', { issuer: settings.issuer, reason: why });
      this.#why = why;
      // A path of this machine is nothing for who is not logged in.
      this.#problem = error instanceof StartError ? 'its secret cannot be read' : why;
    }
    const isReady = this.problem === undefined;
    metrics.gauge('heddle_oidc_provider_ready', isReady ? 1 : 0);
    if (this.#isStopped) return;
    this.#cancel();
    this.#cancel = clock.after(isReady ? REFRESH_MS : this.#retryMs, () => void this.#look());
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  async #discover(): Promise<oidc.Configuration> {
    const { settings } = this.options;
    const { issuer, clientId, clientSecretFile, ca } = settings;
    const url = new URL(issuer);
    const secret = clientSecretFile === undefined ? undefined : await secretIn(clientSecretFile);
    const isPlain = url.protocol === 'http:' && isLoopback(url.hostname);
    const fetch = providerFetch(ca);
    const { serverMetadata } = await oidc
      .discovery(url, clientId, undefined, oidc.None(), {
        [oidc.customFetch]: fetch,
        ...(isPlain ? { execute: [oidc.allowInsecureRequests] } : {}),
      })
      .then((found) => ({ serverMetadata: found.serverMetadata() }));
    requireUsable(serverMetadata, url);
    const metadata = { [oidc.clockTolerance]: TOLERANCE_SECONDS };
    const made = new oidc.Configuration(asSigned(serverMetadata), clientId, metadata, authOf(settings, secret));
    made[oidc.customFetch] = fetch;
    // The ID token comes by TLS from the provider itself; its signature is looked at all the same.
    oidc.enableNonRepudiationChecks(made);
    if (isPlain) oidc.allowInsecureRequests(made);
    return made;
  }
}

/** The library forgives some providers that call themselves otherwise: anybody may be a customer of these (SEC-43). */
function requireUsable({ issuer, authorization_endpoint, end_session_endpoint }: oidc.ServerMetadata, url: URL): void {
  if (!URL.canParse(issuer) || new URL(issuer).href !== url.href)
    throw new Error('it calls itself by another name than oidc.issuer');
  const places = [authorization_endpoint, ...(end_session_endpoint === undefined ? [] : [end_session_endpoint])];
  if (!places.every((place) => place !== undefined && isSafeUrl(place)))
    throw new Error('it names no page to log in at, or one that is not https');
}

/** `none`, and signatures by a secret that the client has, too, are left out of what the provider may use (SEC-22). */
function asSigned(metadata: oidc.ServerMetadata): oidc.ServerMetadata {
  const algorithms = (metadata.id_token_signing_alg_values_supported ?? ['RS256']).filter((one) =>
    ALGORITHMS.includes(one),
  );
  return { ...metadata, id_token_signing_alg_values_supported: algorithms };
}

function authOf({ clientAuth }: OidcSettings, secret: string | undefined): oidc.ClientAuth {
  if (secret === undefined) return oidc.None();
  return clientAuth === 'basic' ? oidc.ClientSecretBasic(secret) : oidc.ClientSecretPost(secret);
}
