/** Mutual TLS between sidecars: TLS 1.3 only, certificates and trust by SDS under constant names. */
import {
  ApiVersion,
  CertificateValidationContextSchema,
  type ConfigSourceSchema,
  DownstreamTlsContextSchema,
  type MessageInitShape,
  packAny,
  type SdsSecretConfigSchema,
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
  UpstreamTlsContextSchema,
} from '#libs/envoy-api';
import type { TcpPrincipal } from '#libs/model';
import { IDENTITY_SECRET, TRUST_SECRET } from './names.js';

/** Everything is asked for on the one ADS stream. */
export const ADS: MessageInitShape<typeof ConfigSourceSchema> = {
  resourceApiVersion: ApiVersion.V3,
  configSourceSpecifier: { case: 'ads', value: {} },
};

/**
 * SDS-2: these bytes never change, across releases and without any field being added (`initial_fetch_timeout` too): Envoy
 * would take another source for a new one, ask nothing of the server, and go live without a certificate.
 */
const secret = (name: string): MessageInitShape<typeof SdsSecretConfigSchema> => ({ name, sdsConfig: ADS });

const TLS = {
  name: 'envoy.transport_sockets.tls',
};

/** Minimum and maximum: with the minimum alone an upstream context, whose maximum is 1.2, connects to nobody. */
const TLS_1_3 = {
  tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
};

type SanMatcher = MessageInitShape<typeof SubjectAltNameMatcherSchema>;

/** Typed as URI, so that a DNS name spelled like a SPIFFE id is none (SEC-55). */
export const uriMatcher = (principal: TcpPrincipal): SanMatcher => ({
  sanType: SubjectAltNameMatcher_SanType.URI,
  matcher: {
    matchPattern:
      'exact' in principal ? { case: 'exact', value: principal.exact } : { case: 'prefix', value: principal.prefix },
  },
});

/** The trust bundle from SDS, and who may be at the other end on top of it. `names` must not be empty: that accepts all. */
const trusted = (names: readonly SanMatcher[]) => ({
  case: 'combinedValidationContext' as const,
  value: {
    defaultValidationContext: { matchTypedSubjectAltNames: [...names] },
    validationContextSdsSecretConfig: secret(TRUST_SECRET),
  },
});

/** A caller's side: its own certificate, and the exact ids that may answer. */
export function upstreamTls(options: {
  readonly sni: string;
  readonly alpn: readonly string[];
  readonly identities: readonly string[];
}) {
  const typedConfig = packAny(UpstreamTlsContextSchema, {
    sni: options.sni,
    commonTlsContext: {
      tlsParams: TLS_1_3,
      alpnProtocols: [...options.alpn],
      tlsCertificateSdsSecretConfigs: [secret(IDENTITY_SECRET)],
      validationContextType: trusted(options.identities.map((exact) => uriMatcher({ exact }))),
    },
  });
  return { ...TLS, configType: { case: 'typedConfig' as const, value: typedConfig } };
}

/**
 * A sidecar's side: a client certificate is a must, and no session is resumed, so that every connection is checked anew.
 * Without `allowed`, whoever the trust bundle vouches for may connect; HTTP decides by request.
 */
export function downstreamTls(options: {
  readonly alpn: readonly string[];
  readonly allowed: readonly TcpPrincipal[] | undefined;
}) {
  const typedConfig = packAny(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    disableStatefulSessionResumption: true,
    sessionTicketKeysType: { case: 'disableStatelessSessionResumption', value: true },
    commonTlsContext: {
      tlsParams: TLS_1_3,
      alpnProtocols: [...options.alpn],
      tlsCertificateSdsSecretConfigs: [secret(IDENTITY_SECRET)],
      validationContextType: options.allowed
        ? trusted(options.allowed.map(uriMatcher))
        : { case: 'validationContextSdsSecretConfig', value: secret(TRUST_SECRET) },
    },
  });
  return { ...TLS, configType: { case: 'typedConfig' as const, value: typedConfig } };
}

/** TLS to a server outside the mesh, checked against authorities from a file of the proxy's host. */
export function externalTls(options: {
  readonly serverName: string;
  readonly subjectAltNames: readonly string[];
  readonly caFile: string;
  readonly alpn: readonly string[];
}) {
  const names = options.subjectAltNames.length > 0 ? options.subjectAltNames : [options.serverName];
  const typedConfig = packAny(UpstreamTlsContextSchema, {
    sni: options.serverName,
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
        tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      },
      alpnProtocols: [...options.alpn],
      validationContextType: {
        case: 'validationContext',
        value: {
          trustedCa: { specifier: { case: 'filename', value: options.caFile || SYSTEM_CA_FILE } },
          matchTypedSubjectAltNames: names.map((exact) => ({
            sanType: SubjectAltNameMatcher_SanType.DNS,
            matcher: { matchPattern: { case: 'exact' as const, value: exact } },
          })),
        } satisfies MessageInitShape<typeof CertificateValidationContextSchema>,
      },
    },
  });
  return { ...TLS, configType: { case: 'typedConfig' as const, value: typedConfig } };
}

/** Where Debian and its relatives keep public authorities; without any authority Envoy would accept everybody. */
const SYSTEM_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';
