import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { RunningApi, ServerTls } from '#libs/api';
import type { ServerAuthority, ServerCertificate } from '#libs/identity';
import type { Clock, Log } from '#libs/kernel';
import { type Config, isEveryAddress } from './config.schema.js';
import type { WiredRuntime } from './runtime-wiring.js';
import { codeOf, EXIT, StartError } from './start-error.js';

const CHECK_EVERY_MS = 3_600_000;

/** What proxies dial. */
export const advertisedAddress = ({ xds }: Config): string =>
  xds.advertisedAddress ?? (isEveryAddress(xds.host) ? hostname() : xds.host);

/** What the certificate of both ports says, beside the fixed names. */
export const certificateNames = (config: Config): string[] =>
  [
    ...config.xds.serverNames,
    ...config.rest.allowedHosts,
    advertisedAddress(config),
    config.rest.host,
    config.xds.host,
  ].filter((name) => !isEveryAddress(name));

/** REST is plain HTTP on loopback, unless the operator gave it a certificate; TLS everywhere else. */
export const isPlainRest = ({ rest }: Config): boolean =>
  rest.tlsCertFile === undefined && (rest.host === 'localhost' || rest.host === '::1' || rest.host.startsWith('127.'));

export const tlsOf = ({ certificatePem, privateKeyPem }: ServerCertificate): { certPem: string; keyPem: string } => ({
  certPem: certificatePem,
  keyPem: privateKeyPem.expose(),
});

/** The operator's certificate for REST, or ours; undefined where REST is plain. @throws StartError */
export async function restTls(config: Config, own: ServerCertificate): Promise<ServerTls | undefined> {
  const { tlsCertFile, tlsKeyFile } = config.rest;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    const { certPem: cert, keyPem: key } = tlsOf(own);
    return isPlainRest(config) ? undefined : { key, cert };
  }
  try {
    const [cert, key] = await Promise.all([readFile(tlsCertFile, 'utf8'), readFile(tlsKeyFile, 'utf8')]);
    return { key, cert };
  } catch (error) {
    const message = `the certificate of REST cannot be read (${codeOf(error)}): mend --rest-tls-cert-file and --rest-tls-key-file`;
    throw new StartError(EXIT.configuration, message, { cause: error });
  }
}

export interface Renewal {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly server: ServerAuthority;
  readonly first: ServerCertificate;
  readonly runtime: Pick<WiredRuntime, 'replaceTls'>;
  readonly api: Pick<RunningApi, 'renewTls'>;
}

/** Renews the certificate of both ports in time; connections go on. The operator's own files are read again, too. @returns what stops it */
export function keepCertificates({ config, clock, log, server, first, runtime, api }: Renewal): () => void {
  let renewAt = first.renewAt;
  const renew = async (): Promise<void> => {
    if (clock.now() < renewAt) return;
    const next = await server.issue(certificateNames(config));
    runtime.replaceTls(tlsOf(next));
    const rest = await restTls(config, next);
    if (rest !== undefined) api.renewTls(rest);
    renewAt = next.renewAt;
    log.info('the certificate of the control plane was renewed', { notAfter: new Date(next.notAfter).toISOString() });
  };
  return clock.every(CHECK_EVERY_MS, () => {
    renew().catch((error: unknown) => {
      log.error('the certificate of the control plane could not be renewed; it is tried again in an hour', { error });
    });
  });
}
