/** Explanations for people: a tree of lines. */
import type { PolicyExplanationView, RequestExplanationView, ResourceExplanationView } from '#libs/api';
import type { ExplainedNode, OwnField, PolicyField, ProxyName, Written } from '#libs/changes';
import { printable } from '../output.js';

/** A line with what stands below it. */
export interface Line {
  readonly text: string;
  readonly below: readonly Line[];
}

export const line = (text: string, below: readonly Line[] = []): Line => ({ text: printable(text), below });

function drawn({ text, below }: Line): readonly string[] {
  const lines = below.flatMap((one, i) => {
    const isLast = i === below.length - 1;
    const [first = '', ...rest] = drawn(one);
    return [`${isLast ? '└─' : '├─'} ${first}`, ...rest.map((more) => `${isLast ? '  ' : '│ '} ${more}`)];
  });
  return [text, ...lines];
}

export const print = (lines: readonly Line[]): string => lines.flatMap(drawn).join('\n');

const named = ({ kind, namespace, name, revision }: Written): string =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}${revision === undefined ? '' : `@r${revision}`}`;

/** With who wrote it, as far as history says. */
const written = (one: Written): string => `${named(one)}${one.actor === undefined ? '' : `  by ${one.actor}`}`;

export const proxy = ({ namespace, instance }: Pick<ProxyName, 'namespace' | 'instance'>): string =>
  `${namespace}/${instance}`;

/** How many instances of a long list are named. */
export const MOST = 10;

function treeLine(node: ExplainedNode, full: boolean): Line {
  const text = node.written ? written(node.written) : node.what;
  const notes = [
    node.withheld ? 'withheld: it no longer parses' : '',
    node.instance && !node.instance.routable ? 'not ready' : '',
    node.repeated ? 'as above' : '',
  ].filter((note) => note !== '');
  const end = notes.length > 0 ? `  (${notes.join(', ')})` : '';
  return line(text + end, full ? node.from.map((one) => treeLine(one, full)) : shortened(node.from));
}

/** Copies of a workload are alike: a long list of them is cut. */
function shortened(nodes: readonly ExplainedNode[]): readonly Line[] {
  const instances = nodes.filter(({ instance }) => instance);
  const cut = new Set(instances.length > MOST + 1 ? instances.slice(MOST) : []);
  const lines = nodes.filter((one) => !cut.has(one)).map((one) => treeLine(one, false));
  return cut.size > 0 ? [...lines, line(`and ${cut.size} more instances (--full)`)] : lines;
}

const set = ({ kind, field, value }: Pick<PolicyField, 'kind' | 'field' | 'value'>): string =>
  field === '' ? kind : `${kind} ${field} = ${JSON.stringify(value)}`;

function fieldLine(field: PolicyField): Line {
  const losers = field.shadowed.map(named).join(', ');
  const notes = [losers === '' ? '' : `shadows ${losers}`, field.overruled ? 'in vain: the rule says it itself' : ''];
  return line([`${set(field)}  from ${written(field.from)}`, ...notes].filter((note) => note !== '').join('; '));
}

/** By place. */
function fieldLines(fields: readonly PolicyField[], own: readonly OwnField[] = []): readonly Line[] {
  const places = [...new Set([...fields, ...own].map(({ place }) => place))];
  return places.map((place) =>
    line(place, [
      ...own
        .filter((one) => one.place === place)
        .map(({ field, value }) => line(`the rule itself: ${field} = ${JSON.stringify(value)}`)),
      ...fields.filter((one) => one.place === place).map(fieldLine),
    ]),
  );
}

export const section = (title: string, below: readonly Line[]): readonly Line[] =>
  below.length > 0 ? [line(title, below)] : [];

export const others = (hidden: number, what = ''): readonly Line[] =>
  hidden > 0 ? [line(`and ${hidden} other${hidden > 1 ? 's' : ''}${what} that this token may not read`)] : [];

export function resourceText(answer: ResourceExplanationView, full: boolean): string {
  const { resource, tree, policies, own, hidden, revision } = answer;
  const title = `${resource.type} ${resource.name} of ${proxy(answer.proxy)} at revision ${revision}`;
  return print([
    line(title, [...treeLine(tree, full).below, ...others(hidden)]),
    ...section('effective policies', fieldLines(policies, own)),
  ]);
}

export function policyText(answer: PolicyExplanationView): string {
  const { policy, conditions, read, resources, proxies, total, sets, loses, hidden, revision } = answer;
  const touched = proxies.length + hidden.proxies;
  const shown = proxies.slice(0, MOST).map((one) => line(`${proxy(one)}  ${one.resources} of its resources`));
  const more = proxies.length - shown.length;
  return print([
    line(
      `${written(policy)}, at revision ${revision}`,
      conditions.map(({ type, status, message }) => line(`${type} ${status}: ${message}`)),
    ),
    line(`affects ${resources.length + hidden.resources} of the ${read} Envoy resources made from it`, [
      ...resources.map(({ op, type, name, proxies: count }) => line(`${op} ${type} ${name}  at ${count} proxies`)),
      ...others(hidden.resources),
    ]),
    line(`touches ${touched} of ${total} proxies`, [
      ...shown,
      ...(more > 0 ? [line(`and ${more} more (-o json)`)] : []),
      ...others(hidden.proxies),
    ]),
    ...scrapedLines(answer),
    ...section('sets', fieldLines(sets)),
    ...section('loses to', fieldLines(loses)),
    ...others(hidden.fields, ' in the same places'),
  ]);
}

/** A server that is older does not say it. */
type Scraped = Partial<Pick<PolicyExplanationView, 'scraped'>> & {
  readonly hidden: Partial<PolicyExplanationView['hidden']>;
};

/** Nothing where Prometheus reads everything as it would without it. */
function scrapedLines({ scraped = [], hidden: { scraped: hidden = 0 } }: Scraped): readonly Line[] {
  if (scraped.length + hidden === 0) return [];
  const more = scraped.length - MOST;
  return [
    line(`changes what Prometheus reads of ${scraped.length + hidden} proxies`, [
      ...scraped.slice(0, MOST).map((one) => line(proxy(one))),
      ...(more > 0 ? [line(`and ${more} more (-o json)`)] : []),
      ...others(hidden),
    ]),
  ];
}

export function requestText(answer: RequestExplanationView): string {
  const { request, listener, destination, place, effects, route, clusters, policies, own, hidden } = answer;
  return print([
    line(`${request} from ${proxy(answer.proxy)}`, [
      line(`goes to ${destination}`, [
        ...(listener === '' ? [] : [line(`listener ${listener}${place === '' ? '' : `, ${place}`}`)]),
        ...(route?.by ? [line(`route of ${written(route.by)}`)] : []),
        ...effects.map((effect) => line(effect)),
      ]),
      ...section('effective policies', fieldLines(policies, own)),
      ...clusters.map(clusterLine),
      ...section(
        'not by',
        answer.others.map((one) => line(`${one.route}: ${one.reason}`)),
      ),
      ...others(hidden),
    ]),
  ]);
}

function clusterLine({
  name,
  share,
  endpoints,
  others: idle,
  policies,
  guards,
}: RequestExplanationView['clusters'][number]): Line {
  const part = share === 1 ? '' : ` (${Number((share * 100).toFixed(2))} %)`;
  return line(`cluster ${name}${part}`, [
    ...(endpoints.length === 0 ? [line('no endpoint: 503')] : []),
    ...endpoints.map(({ address, instance }) =>
      line(`endpoint ${address}${instance === undefined ? '' : `  ${instance}`}`),
    ),
    ...idle.map(({ instance, reason }) => line(`not ${instance}: ${reason}`)),
    ...section('effective policies', fieldLines(policies)),
    ...section(
      'its sidecars ask',
      guards.map((guard) => line(written(guard.from))),
    ),
  ]);
}

export const hiddenLine = (hidden: number): string => print(others(hidden));
