/** Conditions on the mesh itself and on its control plane. */
import { ALL_TRAFFIC, type AlertRule, type BuiltInCondition } from '#libs/model';
import type { ProxyPlace } from '#libs/store';
import type { MeshFacts, RefusingProxy, ServerFacts, SignalQuestion, SignalReading } from '../ports.js';
import { missingShare } from './counts.js';
import { type Assessment, type Labels, ruleLabels, type Sample, type Unit } from './sample.js';
import { exactly, judge } from './verdict.js';
import { counted, duration, number, percent, quoted } from './words.js';

export type ConditionRule = AlertRule & { readonly condition: BuiltInCondition };

export const isConditionRule = (rule: AlertRule): rule is ConditionRule => rule.condition.type !== 'Signal';

/** Most alerts of one rule; what is beyond is one alert. */
const MOST = 100;
/** Most proxies that a sentence names. */
const NAMED = 3;

interface Known {
  readonly mesh: string;
  readonly facts: MeshFacts;
  readonly server: ServerFacts;
  /** Of `telemetryQuestion`; undefined = no source of traffic is connected. */
  readonly telemetry: { readonly question: SignalQuestion; readonly reading: SignalReading } | undefined;
}

/** What has to be read of the traffic; undefined for conditions that are not about it. */
export function telemetryQuestion({ condition }: AlertRule, mesh: string, now: number): SignalQuestion | undefined {
  if (condition.type !== 'TelemetryIncomplete') return undefined;
  const window = { from: now - condition.windowMs, to: now };
  return { mesh, traffic: ALL_TRAFFIC, what: 'requests', by: 'None', latencies: false, ...window };
}

/** Which certificates have to be read: those with less than this percentage of their life left; 0 = none. */
export const expiringOf = (rules: readonly AlertRule[]): number =>
  Math.max(
    0,
    ...rules.map(({ enabled, condition }) =>
      enabled && condition.type === 'CertificateExpiry' ? condition.remainingPercent : 0,
    ),
  );

/** What one rule says. Finding nothing means that all is well, but where there is no telemetry. */
export function judgeCondition(rule: ConditionRule, known: Known): Assessment {
  const found = findings(rule, known);
  const samples = found.map((one): Sample => {
    const { labels, value, threshold, unit, sentence } = one;
    const verdict = judge(exactly(value), 'Above', threshold);
    return {
      ...{ verdict, value, threshold, unit, sentence },
      labels: { ...ruleLabels(known.mesh, rule, rule.severity), ...labels },
    };
  });
  const blind = rule.condition.type === 'TelemetryIncomplete' && known.telemetry === undefined;
  const slow = rule.condition.type === 'DatabaseSlow' && Number.isNaN(known.server.databaseMs);
  return {
    rule: rule.source,
    state: blind || slow ? 'unknown' : 'evaluated',
    why: blind ? NO_SOURCE : slow ? 'not measured yet' : '',
    samples,
    others: blind || slow ? 'unknown' : 'over',
    forMs: rule.forMs,
    keepFiringMs: rule.keepFiringMs,
    description: rule.description,
    runbook: rule.runbook,
  };
}

export const NO_SOURCE = 'no source of traffic is connected: what sidecars count is not stored here';

interface Finding {
  readonly labels: Labels;
  readonly value: number;
  readonly threshold: number;
  readonly unit: Unit;
  readonly sentence: string;
}

function findings(rule: ConditionRule, known: Known): readonly Finding[] {
  const { condition } = rule;
  switch (condition.type) {
    case 'CertificateExpiry':
      return certificates(rule, condition, known.facts);
    case 'AuthorityExpiry':
      return authorities(condition, known.facts);
    case 'ProxiesRefusing':
      return perWorkload(inScope(rule, known.facts.refusing), condition.moreThan, refusingWords);
    case 'ProxiesBehind': {
      const late = inScope(rule, known.facts.behind).filter(({ forMs }) => forMs >= condition.longerThanMs);
      return perWorkload(late, condition.moreThan, (proxies, whose) =>
        forWords(proxies, whose, ['has not answered', 'have not answered']),
      );
    }
    case 'ProxiesOffline': {
      const gone = inScope(rule, known.facts.offline).filter(({ forMs }) => forMs > condition.longerThanMs);
      return perWorkload(gone, condition.moreThan, (proxies, whose) =>
        forWords(proxies, whose, ['is not connected', 'are not connected']),
      );
    }
    case 'ReplicaGone':
      return replicas(condition, known.server);
    case 'DatabaseSlow':
      return database(condition, known.server);
    case 'TelemetryIncomplete':
      return telemetry(condition, known.telemetry);
  }
}

const inScope = <P extends ProxyPlace>({ scope, namespace }: AlertRule, proxies: readonly P[]): readonly P[] =>
  scope === 'Mesh' ? proxies : proxies.filter((proxy) => proxy.namespace === namespace);

/** One finding for each workload: proxies come and go, and one notification about ten of them is enough. */
function perWorkload<P extends ProxyPlace>(
  proxies: readonly P[],
  moreThan: number,
  words: (proxies: readonly P[], whose: string) => string,
): readonly Finding[] {
  const groups = [...Map.groupBy(proxies, ({ namespace, workload }) => `${namespace}/${workload}`)].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const rest = groups.slice(MOST).flatMap(([, some]) => some);
  const shown = groups.slice(0, MOST).map(([, some]) => some);
  const instances = (some: readonly P[]): number => new Set(some.map(nameOf)).size;
  return [...shown, ...(rest.length > 0 ? [rest] : [])].map((some, index) => ({
    labels: index < MOST ? placeOf(some) : { workload: 'others' },
    value: instances(some),
    threshold: moreThan,
    unit: 'proxies',
    sentence: words(some, index < MOST ? workloadOf(some) : 'other workloads'),
  }));
}

const nameOf = ({ namespace, workload, instance }: ProxyPlace): string => `${namespace}/${workload}/${instance}`;

const placeOf = ([first]: readonly ProxyPlace[]): Labels =>
  first ? { namespace: first.namespace, workload: first.workload } : {};

const workloadOf = ([first]: readonly ProxyPlace[]): string => (first ? `${first.namespace}/${first.workload}` : '');

const more = (count: number): string => (count > NAMED ? ` and ${count - NAMED} more` : '');

function refusingWords(proxies: readonly RefusingProxy[], whose: string): string {
  const names = [...new Set(proxies.map(nameOf))];
  const [first] = proxies;
  const verb = names.length === 1 ? 'refuses' : 'refuse';
  const example = first ? `${first.instance}: ${first.type} ${quoted(first.name)}: ${quoted(first.message)}` : '';
  return `${counted(names.length, 'proxy', 'proxies')} of ${whose} ${verb} configuration: ${example}${names.length > 1 ? ` (and ${names.length - 1} more)` : ''}`;
}

function forWords(
  proxies: readonly (ProxyPlace & { readonly forMs: number })[],
  whose: string,
  [one, many]: readonly [string, string],
): string {
  const longest = proxies.toSorted((a, b) => b.forMs - a.forMs);
  const list = longest.slice(0, NAMED).map(({ instance, forMs }) => `${instance} for ${duration(forMs)}`);
  const count = counted(proxies.length, 'proxy', 'proxies');
  return `${count} of ${whose} ${proxies.length === 1 ? one : many}: ${list.join(', ')}${more(proxies.length)}`;
}

function certificates(
  rule: ConditionRule,
  { remainingPercent }: { readonly remainingPercent: number },
  facts: MeshFacts,
): readonly Finding[] {
  const old = inScope(rule, facts.certificates).filter(
    ({ leftMs, lifeMs }) => leftMs * 100 < lifeMs * remainingPercent,
  );
  return perWorkload(old, 0, (some, whose) => {
    const soonest = some.toSorted((a, b) => a.leftMs - b.leftMs);
    const list = soonest
      .slice(0, NAMED)
      .map(({ instance, leftMs }) => (leftMs <= 0 ? `${instance} is over` : `${instance} ends in ${duration(leftMs)}`));
    return `${counted(some.length, 'certificate', 'certificates')} of ${whose} ${some.length === 1 ? 'was' : 'were'} not renewed: ${list.join(', ')}${more(some.length)}`;
  });
}

interface Purpose {
  readonly name: string;
  /** What is not possible any more once it is over. */
  readonly lost: string;
}

const NO_CERTIFICATE = 'no certificate can be issued under it';
const PURPOSES: Readonly<Record<string, Purpose>> = {
  root: { name: 'the root certificate', lost: NO_CERTIFICATE },
  intermediate: { name: 'the issuing certificate', lost: NO_CERTIFICATE },
  'server-root': { name: 'the authority of the server', lost: NO_CERTIFICATE },
  'token-signing': { name: 'the key that signs proxy tokens', lost: 'no token that it has signed is accepted' },
};

function authorities({ withinMs }: { readonly withinMs: number }, facts: MeshFacts): readonly Finding[] {
  return facts.authorities
    .filter(({ leftMs }) => leftMs < withinMs)
    .map(({ mesh, purpose, leftMs }) => {
      const whose = mesh === '' ? '' : ` of mesh ${mesh}`;
      const { name, lost } = PURPOSES[purpose] ?? { name: `the ${purpose} authority`, lost: NO_CERTIFICATE };
      const what = `${name}${whose}`;
      const end = leftMs <= 0 ? `is over: ${lost}` : `ends in ${duration(leftMs)}, and no other has taken its place`;
      return {
        labels: { authority: purpose },
        value: 1,
        threshold: 0,
        unit: 'authorities',
        sentence: `${what} ${end}`,
      };
    });
}

function replicas({ longerThanMs }: { readonly longerThanMs: number }, { silent }: ServerFacts): readonly Finding[] {
  return silent
    .filter(({ forMs }) => forMs > longerThanMs)
    .slice(0, MOST)
    .map(({ replica, forMs }) => ({
      ...{ labels: { replica }, value: 1, threshold: 0, unit: 'replicas' },
      sentence: `replica ${replica} of the control plane has been silent for ${duration(forMs)} without saying that it stops`,
    }));
}

function database(
  { slowerThanMs }: { readonly slowerThanMs: number },
  { databaseMs }: ServerFacts,
): readonly Finding[] {
  if (Number.isNaN(databaseMs)) return [];
  const sentence = `Postgres takes ${duration(databaseMs)} for a trivial statement (alert at more than ${duration(slowerThanMs)}): changes and their delivery are late`;
  return [{ labels: {}, value: databaseMs, threshold: slowerThanMs, unit: 'ms', sentence }];
}

function telemetry(
  { missingPercent, windowMs }: { readonly missingPercent: number; readonly windowMs: number },
  known: Known['telemetry'],
): readonly Finding[] {
  if (!known) return [];
  const missing = missingShare(known.reading, known.question);
  const sentence = `${percent(missing)} of the telemetry of the last ${duration(windowMs)} is missing (alert at more than ${number(missingPercent)} %): nothing can be said of the traffic of that time`;
  return [{ labels: {}, value: missing * 100, threshold: missingPercent, unit: '%', sentence }];
}
