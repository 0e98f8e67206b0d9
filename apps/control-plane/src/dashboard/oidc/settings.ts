import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { Config } from '../../config.schema.js';
import { codeOf, EXIT, StartError } from '../../start-error.js';
import { isPlainRest } from '../../tls.js';
import { hashOf, type UserRules } from '../session/user.js';
import { groupMap } from './oidc.schema.js';
import type { ClaimRules } from './user-of-claims.js';

/** Where the provider sends browsers back to, below the public address. */
export const CALLBACK = '/api/dashboard/oidc/callback';

/** The login by an identity provider, as it is configured. */
export interface OidcSettings extends UserRules, ClaimRules {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined = a public client. */
  readonly clientSecretFile: string | undefined;
  readonly clientAuth: 'basic' | 'post';
  /** Scheme and host by which browsers reach the dashboard. */
  readonly origin: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly sessionMs: number;
  /** Authorities that the provider is trusted by, PEM; undefined = those that Node.js knows. */
  readonly ca: readonly string[] | undefined;
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** Undefined when there is no provider. @throws StartError when a file cannot be read, or browsers could not come back */
export async function oidcSettings(config: Config): Promise<OidcSettings | undefined> {
  const { issuer, clientId, clientSecretFile, publicUrl, caFile, groups, sessionMinutes, ...rest } = config.oidc;
  const url = publicUrl ?? config.alerts.externalUrl;
  if (issuer === undefined || clientId === undefined || url === undefined) return undefined;
  const { origin, protocol } = new URL(url);
  if (protocol !== (isPlainRest(config) ? 'http:' : 'https:'))
    throw wrong(
      `oidc.publicUrl is ${protocol}//, but REST is not: give REST a certificate by rest.tlsCertFile and rest.tlsKeyFile, or mend the address`,
    );
  if (clientSecretFile !== undefined) await secretIn(clientSecretFile);
  return {
    ...{ issuer, clientId, clientSecretFile, origin, provider: hashOf(issuer, clientId), groups: groupMap(groups) },
    ...{
      label: rest.label,
      clientAuth: rest.clientAuth,
      scopes: rest.scopes,
      userClaim: rest.userClaim,
      groupsClaim: rest.groupsClaim,
    },
    sessionMs: sessionMinutes * 60_000,
    ca: caFile === undefined ? undefined : [...rootCertificates, await textOf(caFile, 'oidc.caFile')],
  };
}

/** @throws StartError */
export async function secretIn(file: string): Promise<string> {
  const secret = (await textOf(file, 'oidc.clientSecretFile')).trim();
  if (secret === '') throw wrong(`oidc.clientSecretFile ${file} is empty: put the secret of oidc.clientId into it`);
  return secret;
}

async function textOf(file: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw wrong(`${setting} ${file} cannot be read (${codeOf(cause)}): mend the path, or its permissions`, cause);
  }
}

const wrong = (message: string, cause?: unknown): StartError => new StartError(EXIT.configuration, message, { cause });
