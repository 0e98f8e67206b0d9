import { isIP } from 'node:net';
import { z } from 'zod';
import { allowedHostProblem } from '#libs/alerts';
import { destinationSchema } from './audit/destination.schema.js';
import { oidcSchema, publicUrlProblem } from './dashboard/oidc/oidc.schema.js';

const port = z.int().min(0).max(65_535);
const host = z.string().min(1).max(253);
const file = z.string().min(1);

const rest = z.strictObject({
  host: host.default('127.0.0.1').describe('Address that REST listens on. Off loopback REST is TLS, always.'),
  port: port.default(8190).describe('Port of REST. 0 = any free one.'),
  allowedHosts: z
    .array(host)
    .default([])
    .describe('Names by which clients reach REST, beside localhost and addresses: others are refused (421).'),
  tlsCertFile: file
    .optional()
    .describe('Certificate chain of REST, PEM. Default: one by the server CA that bootstraps pin.'),
  tlsKeyFile: file.optional().describe('Private key of `tlsCertFile`, PEM.'),
});

const xds = z.strictObject({
  host: host.default('127.0.0.1').describe('Address that xDS listens on, always with TLS.'),
  port: port.default(8191).describe('Port of xDS. 0 = any free one.'),
  advertisedAddress: host
    .optional()
    .describe(
      'Name or address that proxies dial. Default: `host`, or the name of this machine when that is "every address".',
    ),
  serverNames: z
    .array(host)
    .default([])
    .describe('Further names and addresses for the certificate of REST and xDS, beside control-plane.heddle.local.'),
});

const database = z.strictObject({
  url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'a URL such as postgres://user:password@host:5432/heddle')
    .optional()
    .describe('Postgres to use. Default: one of our own in `<dataDir>/postgres`.'),
  migrateUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'a URL such as postgres://user:password@host:5432/heddle')
    .optional()
    .describe('The same database as a role that may change its schema. Default: `url`.'),
  pool: z.int().min(2).max(200).default(10).describe('Connections at most, beside the one that listens.'),
  waitSeconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(30)
    .describe('Seconds to wait at the start for a database that cannot be reached; 0 = do not wait.'),
  accept: z
    .boolean()
    .default(false)
    .describe('Serve from a database that is not, or is older than, the one served before. For one start, on purpose.'),
});

const audit = z.strictObject({
  checkpointSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(300)
    .describe('Seconds between signed checkpoints of the audit chain; none is made while nothing changes. 0 = never.'),
  checkpointTo: z
    .array(destinationSchema)
    .default([])
    .describe(
      'Where checkpoints go, out of the database: `stdout`, `file:/path` (appended to) or `https://...` (POST). Without one, who owns the database can rewrite its history unseen.',
    ),
  webhookTokenFile: file.optional().describe('File with the bearer token for `https://` destinations of checkpoints.'),
  keyDays: z
    .int()
    .min(0)
    .max(3_650)
    .default(365)
    .describe('Days that a key signs checkpoints before the next one, which it signs, takes its place. 0 = for ever.'),
  historyDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(0)
    .describe(
      'Days that history and audit are kept at least; older ranges are verified, signed for and removed. 0 = for ever.',
    ),
});

const allowedHost = z.string().superRefine((entry, context) => {
  const message = allowedHostProblem(entry);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const alerts = z.strictObject({
  everySeconds: z
    .int()
    .min(0)
    .max(300)
    .default(10)
    .describe(
      'Seconds between looks at everything that is watched; one replica does it. 0 = this replica never does, and tells nobody.',
    ),
  externalUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where people reach this control plane, for links in notifications. Default: no links.'),
  secretsDir: file
    .optional()
    .describe(
      'Directory with the secrets of AlertReceivers, `<mesh>/<namespace>/<name>`: the content of such a file is sent to whom the receiver names. Default: there are none.',
    ),
  allowedHosts: z
    .array(allowedHost)
    .default([])
    .describe(
      'Hosts, addresses and networks (10.0.0.0/8) that AlertReceivers may lead to though they are not public, also by http. Every other address that is not public is refused.',
    ),
  caFile: file
    .optional()
    .describe('Certificates of authorities that receivers are trusted by, PEM, beside those that Node.js knows.'),
});

const identity = z.strictObject({
  leafLifetimeSeconds: z
    .int()
    .min(60)
    .max(604_800)
    .default(86_400)
    .describe(
      'Seconds that the certificates of proxies last; renewed after 40 to 60 % of it. Without the control plane a proxy is in the mesh for the rest: below 600 is for trials.',
    ),
});

const hours = (otherwise: number, what: string) =>
  z
    .int()
    .min(1)
    .max(8_760)
    .default(otherwise)
    .describe(`Hours that ${what} are kept at least. Of what all replicas of a database say, the last start counts.`);

const telemetry = z.strictObject({
  collector: z
    .enum(['process', 'off'])
    .default('process')
    .describe(
      'Who makes telemetry of what sidecars report: `process` = a process of its own beside this one; `off` = nobody, it is thrown away.',
    ),
  secondHours: hours(1, 'buckets of ten seconds of telemetry'),
  minuteHours: hours(24, 'buckets of a minute of telemetry'),
  days: z
    .int()
    .min(2)
    .max(3_650)
    .default(30)
    .describe('Days that coarser buckets of telemetry are kept at least: of ten minutes, three hours and a day.'),
  failureHours: hours(24, 'single requests that failed'),
});

const collectorUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !URL.canParse(url) || new URL(url).username + new URL(url).password === '', {
    message: 'no user or password in the URL: put an Authorization header into headersFile',
  });

const otlp = z.strictObject({
  endpoint: collectorUrl
    .optional()
    .describe(
      'OpenTelemetry collector that traces, metrics and failures are sent to: `http://collector:4318`, or port 4317 with gRPC. Default: nothing is sent.',
    ),
  protocol: z.enum(['http/protobuf', 'grpc']).default('http/protobuf').describe('How the collector is spoken to.'),
  headersFile: file
    .optional()
    .describe('File with headers for the collector, `Name: value`, one a line: its credentials. Read at the start.'),
  traces: z.boolean().default(true).describe('Send traces of Heddle itself: requests, changes up to every ACK, jobs.'),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Part of the traces that begin here which is kept. Who sends a `traceparent` has decided already.'),
  metrics: z.boolean().default(true).describe('Send the metrics of Heddle itself: those of `/metrics`.'),
  mesh: z
    .boolean()
    .default(true)
    .describe('Send how requests fare in the mesh, as metrics, and requests that failed, as log records.'),
  metricSeconds: z.int().min(1).max(3_600).default(30).describe('Seconds between exports of metrics.'),
});

/** Every setting of the control plane. Files, environment, flags, `heddle config` and the reference come from this. */
export const configSchema = z
  .strictObject({
    dataDir: file
      .default('.heddle')
      .describe('Directory of this replica: its key file, what it has served, and its own Postgres if it has one.'),
    replica: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, 'lower-case letters, digits, inner "-" and "."')
      .optional()
      .describe('Name of this replica, unique among those that share the database. Default: the name of this machine.'),
    keyFile: file
      .optional()
      .describe('Key that encrypts the authorities. Every replica needs the same. Default: `<dataDir>/key`.'),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least severity to log.'),
      })
      .prefault({}),
    database: database.prefault({}),
    rest: rest.prefault({}),
    xds: xds.prefault({}),
    audit: audit.prefault({}),
    alerts: alerts.prefault({}),
    oidc: oidcSchema.prefault({}),
    identity: identity.prefault({}),
    telemetry: telemetry.prefault({}),
    observability: z.strictObject({ otlp: otlp.prefault({}) }).prefault({}),
  })
  .superRefine((config, context) => {
    const { tlsCertFile, tlsKeyFile } = config.rest;
    if ((tlsCertFile === undefined) === (tlsKeyFile === undefined)) return;
    const path = ['rest', tlsCertFile === undefined ? 'tlsCertFile' : 'tlsKeyFile'];
    context.addIssue({ code: 'custom', path, message: 'a certificate and its key are given together' });
  })
  .superRefine(({ oidc, alerts: { externalUrl }, rest: { host: own, allowedHosts } }, context) => {
    if (oidc.issuer === undefined) return;
    const message = publicUrlProblem(oidc.publicUrl ?? externalUrl, [own, ...allowedHosts]);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['oidc', 'publicUrl'], message });
  });

export type Config = z.output<typeof configSchema>;

/** `0.0.0.0` and `::`: every address of the machine, which nobody can dial. */
export const isEveryAddress = (address: string): boolean => isIP(address) !== 0 && /^[0.:]+$/.test(address);
