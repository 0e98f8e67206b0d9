import { z } from 'zod';
import type { Violation } from '#libs/kernel';
import {
  type AlertRule,
  BEHIND_FROM_MS,
  type BuiltInCondition,
  CONDITION_SCOPES,
  SILENT_FROM_MS,
} from '../../alerting.js';
import { defineKind, readBy } from '../../define-kind.js';
import { durationToMs } from '../../duration-text.js';
import { violation, warning } from '../../issues.js';
import { duration, report, strict } from '../../schema-parts.js';
import { alertTexts, severity, toTexts } from './parts.js';
import { foreignServices, signalSchema, toSignal } from './signal.js';

const moreThan = () =>
  z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('Alert when there are more of them than this. 0 = any. Default: 0.');

const CONDITIONS = {
  signal: signalSchema().optional(),
  certificateExpiry: strict({
    remainingPercent: z
      .number()
      .min(1)
      .max(99)
      .default(25)
      .describe(
        'Alert when less than this percentage of the life of a certificate is left and nobody has renewed it. They are renewed at 40 to 60. Default: 25.',
      ),
  })
    .optional()
    .describe('Certificates of connected proxies that end soon and were not renewed.'),
  authorityExpiry: strict({
    within: duration({ min: 1000 })
      .default('720h')
      .describe(
        'Alert when an authority in use, or the key that signs proxy tokens, ends within this time. Default: 720h, 30 days.',
      ),
  })
    .optional()
    .describe(
      'Certificate authorities of the mesh and of the server, and the key that signs proxy tokens, that end soon. Needs scope Mesh.',
    ),
  proxiesRefusing: strict({ moreThan: moreThan() })
    .optional()
    .describe('Proxies that refuse configuration (NACK), in their own words.'),
  proxiesBehind: strict({
    moreThan: moreThan(),
    longerThan: duration({ min: 1000 })
      .default('1m')
      .describe(
        'How long a proxy has had something to answer, at least "1s"; less than "10s" counts as "10s". Default: 1m.',
      ),
  })
    .optional()
    .describe('Connected proxies that have not answered what they were sent.'),
  proxiesOffline: strict({
    moreThan: moreThan(),
    longerThan: duration({ min: 1000 })
      .default('1m')
      .describe('How long a proxy has been away, at least "1s". Default: 1m.'),
  })
    .optional()
    .describe(
      'Proxies that were connected, are not any more, and did not say that they leave. Also for an hour after they were dropped for that.',
    ),
  replicaGone: strict({
    longerThan: duration({ min: SILENT_FROM_MS })
      .default('30s')
      .describe('How long a replica has been silent, at least "15s". Default: 30s.'),
  })
    .optional()
    .describe('Replicas of the control plane that ended without saying so. Needs scope Mesh.'),
  databaseSlow: strict({
    slowerThan: duration({ min: 1 })
      .default('500ms')
      .describe('How long Postgres takes for a trivial statement, at least "1ms". Default: 500ms.'),
  })
    .optional()
    .describe('A database that answers late. Needs scope Mesh.'),
  telemetryIncomplete: strict({
    missingPercent: z
      .number()
      .min(1)
      .max(99)
      .default(10)
      .describe('Alert when more than this percentage of the window is missing. Default: 10.'),
    window: duration({ min: 30_000 })
      .default('5m')
      .describe('Time up to now that is looked at, at least "30s". Default: 5m.'),
  })
    .optional()
    .describe('Telemetry that is missing or was dropped: nothing can be said of the traffic. Needs scope Mesh.'),
};

/** As messages name them. */
const NAMES = strict(CONDITIONS).keyof().options;

const schema = strict({
  scope: z
    .enum(['Namespace', 'Mesh'])
    .default('Namespace')
    .describe(
      'What it looks at: its namespace, or the whole mesh, for which one needs the right to write rules in all of it. A rule of scope Mesh takes the place of the built-in one with the same condition. Default: Namespace.',
    ),
  enabled: z.boolean().default(true).describe('false: it is not looked at, and has no alerts. Default: true.'),
  severity: severity().default('warning').describe('critical, warning or info. Default: warning.'),
  for: duration()
    .default('1m')
    .describe('How long the condition has to hold before the alert fires. "0s" = at once. Default: 1m.'),
  keepFiring: duration()
    .default('2m')
    .describe('How long the condition has to be over before the alert ends. "0s" = at once. Default: 2m.'),
  ...CONDITIONS,
  ...alertTexts,
}).superRefine((spec, sink) => {
  const named = NAMES.filter((name) => spec[name] !== undefined);
  if (named.length === 0) report(sink, 'required', `must have one of ${NAMES.join(', ')}`);
  for (const extra of named.slice(1))
    report(sink, 'conflict', `must be left out beside ${named[0]}: a rule has one condition`, [extra]);
});

type Spec = z.infer<typeof schema>;

type BuiltInName = Exclude<keyof typeof CONDITIONS, 'signal'>;
type Readers = { readonly [Name in BuiltInName]: (written: NonNullable<Spec[Name]>) => BuiltInCondition };

const READERS: Readers = {
  certificateExpiry: ({ remainingPercent }) => ({ type: 'CertificateExpiry', remainingPercent }),
  authorityExpiry: ({ within }) => ({ type: 'AuthorityExpiry', withinMs: durationToMs(within) }),
  proxiesRefusing: ({ moreThan }) => ({ type: 'ProxiesRefusing', moreThan }),
  proxiesBehind: ({ moreThan, longerThan }) => ({
    ...{ type: 'ProxiesBehind', moreThan },
    longerThanMs: Math.max(BEHIND_FROM_MS, durationToMs(longerThan)),
  }),
  proxiesOffline: ({ moreThan, longerThan }) => ({
    ...{ type: 'ProxiesOffline', moreThan },
    longerThanMs: durationToMs(longerThan),
  }),
  replicaGone: ({ longerThan }) => ({ type: 'ReplicaGone', longerThanMs: durationToMs(longerThan) }),
  databaseSlow: ({ slowerThan }) => ({ type: 'DatabaseSlow', slowerThanMs: durationToMs(slowerThan) }),
  telemetryIncomplete: ({ missingPercent, window }) => ({
    ...{ type: 'TelemetryIncomplete', missingPercent },
    windowMs: durationToMs(window),
  }),
};

const read = <Name extends BuiltInName>(name: Name, written: Spec[Name]): BuiltInCondition | undefined =>
  written == null ? undefined : READERS[name](written);

function conditionOf(spec: Spec, namespace: string): AlertRule['condition'] {
  if (spec.signal) return toSignal(spec.signal, namespace, spec.scope);
  for (const name of NAMES) {
    const condition = name === 'signal' ? undefined : read(name, spec[name]);
    if (condition) return condition;
  }
  throw new Error('the schema lets no rule pass without a condition');
}

/** A proxy that is connected renews its certificate when so much of its life is left, or more. Percent. */
const RENEWED_FROM = 40;

function warningsOf({ certificateExpiry, proxiesBehind }: Spec): readonly Violation[] {
  const found: Violation[] = [];
  if (certificateExpiry && certificateExpiry.remainingPercent > RENEWED_FROM) {
    const path = ['spec', 'certificateExpiry', 'remainingPercent'];
    found.push(
      warning(
        path,
        'too-early',
        'counts certificates that are not due yet: proxies renew them with 40 to 60 percent left',
      ),
    );
  }
  if (proxiesBehind && durationToMs(proxiesBehind.longerThan) < BEHIND_FROM_MS)
    found.push(
      warning(
        ['spec', 'proxiesBehind', 'longerThan'],
        'no-effect',
        'counts as "10s": who is behind for less is on its way',
      ),
    );
  return found;
}

/** AlertRule: a condition on the traffic or on the mesh itself that somebody is to be told of. */
export const alertRuleKind = defineKind({
  kind: 'AlertRule',
  plural: 'alertrules',
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'operation',
  scope: 'namespace',
  nameRule: 'subdomain',
  summary: 'A condition on the traffic, on proxies, certificates or the control plane that somebody is to be told of.',
  spec: readBy(schema),
  check: (spec, place) => {
    if (spec.scope === 'Mesh') return [];
    const { type } = conditionOf(spec, place.namespace);
    if (type !== 'Signal' && CONDITION_SCOPES[type] === 'Mesh')
      return [violation(['spec', 'scope'], 'required', `must be Mesh: ${type} is not about a namespace`)];
    return spec.signal && foreignServices(spec.signal, place.namespace)
      ? [violation(['spec', 'signal', 'service'], 'conflict', 'is of another namespace: that needs scope: Mesh')]
      : [];
  },
  warn: warningsOf,
  toDomain: (spec, place, source) => ({
    type: 'AlertRule',
    value: {
      source,
      namespace: place.namespace,
      name: place.name,
      scope: spec.scope,
      enabled: spec.enabled,
      severity: spec.severity,
      forMs: durationToMs(spec.for),
      keepFiringMs: durationToMs(spec.keepFiring),
      condition: conditionOf(spec, place.namespace),
      ...toTexts(spec),
    },
  }),
});
