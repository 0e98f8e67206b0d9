/** `signal` of an AlertRule: an aggregate of the traffic, compared with a number. */
import { z } from 'zod';
import type { SignalCondition, TrafficSelector } from '../../alerting.js';
import { durationToMs, parseDuration } from '../../duration-text.js';
import { dnsSubdomain, duration, type IssueSink, report, strict } from '../../schema-parts.js';
import { ignoredOutcomes, placed, placedName, portOfService, routeReference } from './parts.js';

const shape = strict({
  aggregate: z
    .enum(['Rate', 'FailurePercent', 'Latency', 'AttemptsPerRequest'])
    .describe(
      'Rate: requests a second. FailurePercent: percent of the requests that failed. Latency: a quantile of how long requests took that did not fail. AttemptsPerRequest: how much of the load is retries; 1 = none.',
    ),
  service: placedName()
    .optional()
    .describe(
      'The service that is called: of the own namespace, or "<namespace>/<name>" with scope Mesh. Default: every one in scope.',
    ),
  port: portOfService(),
  route: routeReference().optional().describe('Only what takes this route. Default: every route, and none.'),
  caller: placedName()
    .optional()
    .describe('Only what this workload sends, of the own namespace or "<namespace>/<name>". Default: everybody.'),
  instance: dnsSubdomain()
    .optional()
    .describe('Only attempts that this instance was sent, by its name. Default: every one.'),
  by: z
    .enum(['None', 'Service', 'Route', 'Edge', 'Instance'])
    .default('None')
    .describe(
      'One alert for each of these: Service, Route, Edge (caller and service), Instance (attempts instead of requests). None: one for all taken together. Default: None.',
    ),
  window: duration({ min: 30_000 })
    .default('5m')
    .describe('Time up to now that is looked at, "30s" to "720h". Default: 5m.'),
  quantile: z
    .number()
    .min(0.001)
    .max(0.9999)
    .optional()
    .describe('For Latency: which quantile, 0.001 to 0.9999. Default: 0.99.'),
  above: z
    .number()
    .min(0)
    .max(1e12)
    .optional()
    .describe(
      'Alert when it is more than this: requests a second, percent, or attempts a request, by the aggregate. 0 = any.',
    ),
  below: z
    .number()
    .min(0)
    .max(1e12)
    .optional()
    .describe('Alert when it is less than this, in the same units. Not for Latency.'),
  slowerThan: duration({ min: 1 }).optional().describe('For Latency: alert when the quantile is more than this time.'),
  minimumRequests: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(10)
    .describe(
      'Fewer requests than this in the window are not judged; for Rate it counts for nothing. 0 = any number is judged. Default: 10.',
    ),
  ignore: ignoredOutcomes().describe(
    'For FailurePercent: classes of failures that do not count at all. Default: throttled, rate_limited, denied.',
  ),
});

type Signal = z.infer<typeof shape>;

export const signalSchema = () =>
  shape
    .superRefine((signal, sink) => {
      checkComparison(signal, sink);
      checkRange(signal, sink);
      checkInstance(signal, sink);
    })
    .describe('An aggregate of the traffic, compared with a number.');

function checkComparison({ aggregate, above, below, slowerThan, quantile }: Signal, sink: IssueSink): void {
  const latency = aggregate === 'Latency';
  if (latency) {
    if (slowerThan === undefined) report(sink, 'required', 'is required for Latency, such as "300ms"', ['slowerThan']);
    for (const [field, value] of Object.entries({ above, below }))
      if (value !== undefined) report(sink, 'conflict', 'must be left out for Latency: write slowerThan', [field]);
    return;
  }
  if (slowerThan !== undefined)
    report(sink, 'conflict', `must be left out for ${aggregate}: write above or below`, ['slowerThan']);
  if (quantile !== undefined) report(sink, 'conflict', `must be left out for ${aggregate}`, ['quantile']);
  if ((above === undefined) === (below === undefined)) report(sink, 'conflict', 'must have either above or below');
}

function checkRange({ aggregate, above, below, window }: Signal, sink: IssueSink): void {
  const least = aggregate === 'AttemptsPerRequest' ? 1 : 0;
  const most = aggregate === 'FailurePercent' ? 100 : Number.POSITIVE_INFINITY;
  for (const [field, value] of Object.entries({ above, below })) {
    if (value === undefined) continue;
    if (value < least || value > most)
      report(sink, 'out-of-range', `must be ${least} ${most === 100 ? 'to 100' : 'or more'} for ${aggregate}`, [field]);
  }
  if ((parseDuration(window) ?? 0) > 720 * 3_600_000)
    report(sink, 'out-of-range', 'must be at most "720h"', ['window']);
}

/** What instances were sent is known without callers, routes and whole requests. */
function checkInstance({ aggregate, by, instance, caller, route }: Signal, sink: IssueSink): void {
  if (by !== 'Instance' && instance === undefined) return;
  if (aggregate === 'AttemptsPerRequest')
    report(sink, 'conflict', 'must not be AttemptsPerRequest for instances: they are sent attempts', ['aggregate']);
  if (by !== 'Instance' && by !== 'None')
    report(sink, 'conflict', 'must be Instance or None where an instance is named', ['by']);
  for (const [field, value] of Object.entries({ caller, route }))
    if (value !== undefined) report(sink, 'conflict', 'must be left out for instances', [field]);
}

/** Services of another namespace than the rule's. */
export const foreignServices = ({ service }: Signal, namespace: string): boolean =>
  service !== undefined && placed(service, namespace)[0] !== namespace;

function trafficOf(signal: Signal, namespace: string, scope: 'Namespace' | 'Mesh'): TrafficSelector {
  const { service, route, caller, port, instance } = signal;
  const [home, name] = service === undefined ? [scope === 'Mesh' ? undefined : namespace] : placed(service, namespace);
  return {
    namespace: home,
    service: name,
    port,
    route: route && { kind: route.kind, namespace, name: route.name, rule: route.rule ?? '' },
    caller: caller && placed(caller, namespace).join('/'),
    instance,
  };
}

export const toSignal = (signal: Signal, namespace: string, scope: 'Namespace' | 'Mesh'): SignalCondition => ({
  type: 'Signal',
  aggregate: signal.aggregate,
  traffic: trafficOf(signal, namespace, scope),
  by: signal.by,
  windowMs: durationToMs(signal.window),
  quantile: signal.quantile ?? 0.99,
  comparison: signal.below === undefined ? 'Above' : 'Below',
  threshold: signal.slowerThan === undefined ? (signal.above ?? signal.below ?? 0) : durationToMs(signal.slowerThan),
  minimumRequests: signal.minimumRequests,
  ignore: signal.ignore,
});
