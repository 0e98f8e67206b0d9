import { isIP } from 'node:net';
import { z } from 'zod';
import { isDnsLabel } from '#libs/kernel';
import type { InstanceSpec } from '#libs/model';

/** Where a sidecar listens for its application's own calls unless told otherwise. */
const DEFAULT_OUTBOUND = { address: '127.100.0.1', httpPort: 15001 } as const;

const label = z.string().refine(isDnsLabel, 'a DNS label: 1 to 63 lower-case letters, digits and inner hyphens');
const ip = z.string().refine((text) => isIP(text) !== 0, 'an IP address');
const port = z.int().min(1).max(65_535);
const ports = z
  .record(label, port)
  .refine((map) => Object.keys(map).length <= 64, 'at most 64 ports')
  .describe('Port numbers by port name, 1 to 65535; below 32768 they are safe from the ephemeral range.');
const place = z.string().max(63).default('');

export const instanceBody = z.strictObject({
  workload: label.describe('What runs: the identity that its token grants.'),
  labels: z
    .record(z.string().min(1).max(317), z.string().max(63))
    .optional()
    .describe('What services select by. Default: all that the token grants; `workload` is always among them.'),
  bind: z.strictObject({ address: ip, ports }).describe('Where the sidecar listens for callers.'),
  app: z.strictObject({ address: ip.default('127.0.0.1'), ports }).describe('Where the application listens: loopback.'),
  advertised: ip.optional().describe('Address that callers dial. Default: `bind.address`.'),
  outbound: z
    .strictObject({ address: ip.optional(), httpPort: port.optional() })
    .default({})
    .describe('Where the sidecar listens for its application. Default: 127.100.0.1, port 15001.'),
  host: z.string().min(1).max(253).optional().describe('Machine that it runs on. Default: `bind.address`.'),
  locality: z
    .strictObject({ region: place, zone: place })
    .default({ region: '', zone: '' })
    .describe('Where the machine is; empty = unknown.'),
  metrics: z
    .strictObject({
      address: ip.optional().describe('Default: `advertised`. Within what the token grants.'),
      port: port.describe('Of `GET /stats/prometheus`: `--metrics-port` of `heddle proxy`.'),
      details: z
        .array(z.string().regex(/^[A-Z][A-Za-z]{0,31}$/, 'a name of a level, such as Minimal'))
        .max(8, 'at most 8 levels')
        .optional()
        .describe(
          'What its start-up file offers beside everything, below that path: Counts, Minimal. Default: nothing.',
        ),
    })
    .optional()
    .describe('Where Prometheus reaches the statistics of the sidecar. Default: nowhere.'),
});

export type InstanceBody = z.output<typeof instanceBody>;

/** The instance that a request describes, with defaults filled in. `granted` are its labels when it names none. */
export function instanceOf(
  body: InstanceBody,
  at: { readonly mesh: string; readonly namespace: string; readonly name: string },
  granted: Readonly<Record<string, string>>,
): InstanceSpec {
  const { workload, bind, app, locality, metrics } = body;
  const advertised = body.advertised ?? bind.address;
  return {
    mesh: at.mesh,
    namespace: at.namespace,
    name: at.name,
    workload,
    labels: { ...(body.labels ?? granted), workload },
    bind,
    app,
    advertised,
    outbound: {
      address: body.outbound.address ?? DEFAULT_OUTBOUND.address,
      httpPort: body.outbound.httpPort ?? DEFAULT_OUTBOUND.httpPort,
    },
    host: body.host ?? bind.address,
    locality,
    ...(metrics
      ? {
          metrics: {
            ...{ address: metrics.address ?? advertised, port: metrics.port },
            ...(metrics.details ? { details: metrics.details } : {}),
          },
        }
      : {}),
  };
}
