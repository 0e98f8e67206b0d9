import type { AlertRule, ServiceLevelObjective, TrafficSelector } from '#libs/model';
import type { Verdict } from './verdict.js';

export type Unit = 'requests/s' | '%' | 'ms' | 'attempts' | 'burn rate' | 'proxies' | 'replicas' | 'authorities';
export type Labels = Readonly<Record<string, string>>;

/** What a rule says now of one thing that it watches. */
export interface Sample {
  /** With those of the rule they identify the alert. */
  readonly labels: Labels;
  readonly verdict: Verdict;
  /** NaN = not known. */
  readonly value: number;
  readonly threshold: number;
  readonly unit: Unit;
  /** For a reader: what is the matter, with numbers. */
  readonly sentence: string;
}

/** A rule with everything that it says now. */
export interface Assessment {
  readonly rule: { readonly kind: string; readonly namespace: string; readonly name: string };
  /** `evaluated`; `unknown`: it could not be judged, or not all of it; `disabled`. */
  readonly state: 'evaluated' | 'unknown' | 'disabled';
  /** Why it is not `evaluated`; '' else. */
  readonly why: string;
  readonly samples: readonly Sample[];
  /** What is not among the samples: `over` = it is fine; `unknown` = nothing is known of it. */
  readonly others: 'over' | 'unknown';
  readonly forMs: number;
  readonly keepFiringMs: number;
  /** Of all alerts of the rule. */
  readonly description: string;
  readonly runbook: string;
}

type Rule = Pick<AlertRule | ServiceLevelObjective, 'source' | 'name' | 'labels'>;

/** Labels of every alert of a rule. The rule's own come first: what Heddle sets cannot be overwritten. */
export const ruleLabels = (mesh: string, { source, name, labels }: Rule, severity: string): Labels => ({
  ...labels,
  alertname: name,
  mesh,
  severity,
  rule: source.namespace === '' ? source.name : `${source.namespace}/${source.name}`,
});

/** Labels that say which traffic is meant. */
export function trafficLabels({ namespace, service, port, route, caller, instance }: TrafficSelector): Labels {
  const home = namespace ?? route?.namespace;
  return {
    ...(home === undefined ? {} : { namespace: home }),
    ...(service === undefined ? {} : { service }),
    ...(port === undefined ? {} : { port: String(port) }),
    ...(route ? { route: [route.kind, route.namespace, route.name, route.rule].filter((part) => part).join('/') } : {}),
    ...(caller === undefined ? {} : { caller }),
    ...(instance === undefined ? {} : { instance }),
  };
}

/** The same for a reader. */
export function trafficWords({ namespace, service, port, route, caller, instance }: TrafficSelector): string {
  const callee =
    service === undefined
      ? namespace === undefined
        ? 'all services'
        : `the services of ${namespace}`
      : `${namespace ?? ''}/${service}${port === undefined ? '' : `:${port}`}`;
  const by = route
    ? ` by ${[route.kind, route.namespace, route.name, route.rule].filter((part) => part).join('/')}`
    : '';
  const what = route && service === undefined ? by.slice(4) : `${callee}${by}`;
  return `${caller === undefined ? '' : `${caller} to `}${what}${instance === undefined ? '' : ` at ${instance}`}`;
}
