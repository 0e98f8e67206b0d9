import { z } from 'zod';
import type { PortProtocol, ServicePort } from '../domain.js';
import { dnsLabel, portNumber, refuseDuplicates, report, strict } from '../schema-parts.js';

/** Values of Kubernetes' `appProtocol` and what they mean here. */
const APP_PROTOCOLS = {
  http: 'http',
  http2: 'http2',
  grpc: 'grpc',
  tcp: 'tcp',
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
} as const satisfies Record<string, PortProtocol>;

const APP_PROTOCOL_NAMES = ['http', 'http2', 'grpc', 'tcp', 'kubernetes.io/h2c', 'kubernetes.io/ws'] as const;

const portSchema = strict({
  name: dnsLabel().optional().describe('Name of the port, a DNS label, unique in the service. Default: its protocol.'),
  port: portNumber().describe('Port that callers write, 1 to 65535.'),
  protocol: z
    .enum(['http', 'http2', 'grpc', 'tcp'])
    .optional()
    .describe(
      'What is spoken: http (HTTP/1.1 to the application), http2 or grpc (HTTP/2 without TLS), tcp (bytes). Default: http.',
    ),
  appProtocol: z
    .enum(APP_PROTOCOL_NAMES)
    .optional()
    .describe(
      'The same in the words of Kubernetes: `kubernetes.io/h2c` is http2, `kubernetes.io/ws` is http. Default: `protocol`.',
    ),
  targetPort: dnsLabel().optional().describe("Name of the instances' port that serves it. Default: the port's name."),
}).superRefine((port, sink) => {
  if (!port.protocol || !port.appProtocol || APP_PROTOCOLS[port.appProtocol] === port.protocol) return;
  report(
    sink,
    'conflict',
    `${port.appProtocol} says something else than protocol ${port.protocol}; write one of them`,
    ['appProtocol'],
  );
});

type PortSpec = z.infer<typeof portSchema>;

const protocolOf = (port: PortSpec): PortProtocol =>
  port.protocol ?? (port.appProtocol ? APP_PROTOCOLS[port.appProtocol] : 'http');
const nameOf = (port: PortSpec): string => port.name ?? protocolOf(port);

/** The `ports` of a Service or ExternalService: unique by name and by number. */
export const portList = () =>
  z
    .array(portSchema)
    .min(1)
    .max(64)
    .superRefine((ports, sink) => {
      refuseDuplicates(sink, ports.map(nameOf), 'the port name', 'name');
      refuseDuplicates(
        sink,
        ports.map((port) => String(port.port)),
        'the port number',
        'port',
      );
    });

/** Ports with their defaults filled in. */
export const toPorts = (ports: readonly PortSpec[]): readonly ServicePort[] =>
  ports.map((port) => ({
    name: nameOf(port),
    port: port.port,
    protocol: protocolOf(port),
    targetPort: port.targetPort ?? nameOf(port),
  }));
