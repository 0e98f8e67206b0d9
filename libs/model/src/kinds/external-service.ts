import { z } from 'zod';
import { isHostName, isIpAddress, unsafeHost } from '../address.js';
import { defineKind, readBy } from '../define-kind.js';
import { hostName, type IssueSink, portNumber, refuseDuplicates, report, strict, text } from '../schema-parts.js';
import { claimedNames, hostnameList, hostnameViolations } from './hostnames.js';
import { portList, toPorts } from './service-ports.js';

/** Where most Linux distributions keep the certificates of public authorities. */
const SYSTEM_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

/** SEC-49: the proxy's own machine and metadata services are never a target. */
const endpointAddress = () =>
  text('unsafe-address', (value) => {
    const unsafe = unsafeHost(value);
    return unsafe === undefined
      ? undefined
      : `must not be ${unsafe}: an external service lies outside of the proxy's machine`;
  });

const endpointSchema = strict({
  address: endpointAddress().describe(
    'Host name (resolution DNS) or IP address (resolution STATIC). Loopback, link-local, unspecified and metadata addresses are refused.',
  ),
  port: portNumber().describe('Port of the endpoint, 1 to 65535.'),
});

const tlsSchema = strict({
  serverName: hostName().describe(
    'Name sent as SNI and, unless subjectAltNames says otherwise, expected in the certificate.',
  ),
  subjectAltNames: z
    .array(hostName())
    .min(1)
    .max(16)
    .optional()
    .describe('DNS names of which the certificate must have one, matched exactly. Default: the serverName.'),
  caFile: text('invalid-path', (value) =>
    /^(\/[A-Za-z0-9._+-]+)+$/.test(value) && !/\/\.\.?(\/|$)/.test(value) && value.length <= 255
      ? undefined
      : 'must be an absolute path on the hosts of the sidecars, without "." and ".." segments',
  )
    .default(SYSTEM_CA_FILE)
    .describe(
      `File with the authorities that are trusted, in PEM, on the sidecars' hosts. Default: ${SYSTEM_CA_FILE}.`,
    ),
});

const schema = strict({
  hostnames: hostnameList().min(1).describe('Host names by which callers reach it, lower-case, unique in the mesh.'),
  ports: portList().describe('Ports that callers use, 1 to 64, unique by name and by number.'),
  resolution: z
    .enum(['DNS', 'STATIC'])
    .default('DNS')
    .describe(
      'How endpoints are found. DNS: their addresses are host names that each sidecar resolves. STATIC: they are IP addresses. Default: DNS.',
    ),
  endpoints: z
    .array(endpointSchema)
    .max(256)
    .default([])
    .superRefine((endpoints, sink) =>
      refuseDuplicates(
        sink,
        endpoints.map(({ address, port }) => `${address.toLowerCase()}:${port}`),
        'the endpoint',
        'address',
      ),
    )
    .describe('Where traffic goes. Default, for DNS only: the first host name with the port that was called.'),
  tls: tlsSchema.optional().describe('TLS that the sidecar originates. Default: none, plaintext.'),
}).superRefine((spec, sink) => checkEndpoints(spec, sink));

function checkEndpoints(
  spec: { readonly resolution: string; readonly endpoints: readonly { readonly address: string }[] },
  sink: IssueSink,
): void {
  if (spec.resolution === 'STATIC' && spec.endpoints.length === 0) {
    report(sink, 'required', 'must have at least one entry when resolution is STATIC', ['endpoints']);
  }
  for (const [index, { address }] of spec.endpoints.entries()) {
    const fits = spec.resolution === 'STATIC' ? isIpAddress(address) : isHostName(address);
    if (fits) continue;
    const message =
      spec.resolution === 'STATIC'
        ? 'must be an IP address when resolution is STATIC'
        : 'must be a host name in lower case when resolution is DNS; for IP addresses write resolution: STATIC';
    report(sink, 'invalid-host', message, ['endpoints', index, 'address']);
  }
}

/** ExternalService: something outside of the mesh that sidecars call. */
export const externalServiceKind = defineKind({
  kind: 'ExternalService',
  plural: 'externalservices',
  aliases: ['extsvc'],
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'topology',
  scope: 'namespace',
  nameRule: 'label',
  summary: 'A service outside of the mesh, called by its host names, with TLS originated by the sidecar if wanted.',
  spec: readBy(schema),
  check: (spec, place) => hostnameViolations(spec.hostnames, place),
  hostnames: (spec, place) => claimedNames(spec.hostnames, place),
  toDomain: (spec, place, source) => {
    const ports = toPorts(spec.ports);
    const [first = ''] = spec.hostnames;
    const implied = ports.map(({ port }) => ({ address: first, port }));
    return {
      type: 'ExternalService',
      value: {
        source,
        namespace: place.namespace,
        name: place.name,
        hostnames: spec.hostnames,
        ports,
        resolution: spec.resolution,
        endpoints: spec.endpoints.length > 0 ? spec.endpoints.map(({ address, port }) => ({ address, port })) : implied,
        tls: spec.tls && {
          serverName: spec.tls.serverName,
          subjectAltNames: spec.tls.subjectAltNames ?? [spec.tls.serverName],
          caFile: spec.tls.caFile,
        },
      },
    };
  },
});
