import type { ServiceMap } from '#libs/telemetry';
import { table } from '../output.js';
import { footer } from './answered.js';
import { duration, inline, rate, share } from './numbers.js';
import { callerName } from './top.render.js';

type Edge = ServiceMap['edges'][number];

const calleeName = ({ callee, caller, others }: Edge): string =>
  callee === 'others' && caller !== 'others' ? callerName(callee, others) : inline(callee);
const callerOf = ({ caller, callee, others }: Edge): string =>
  callerName(caller, caller === 'others' && callee !== 'others' ? others : undefined);
const failed = ({ failureShare, failure }: Edge): string =>
  failure === undefined ? share(failureShare) : `${share(failureShare)} ${failure}`;

/** Edges by caller, the busiest caller first; each caller is named once. */
export function renderMap(map: ServiceMap): string {
  const byCaller = Map.groupBy(map.edges, callerOf);
  const rows = [...byCaller].flatMap(([caller, edges]) =>
    edges.map((edge, i) => [
      i === 0 ? caller : '',
      `→ ${calleeName(edge)}`,
      rate(edge.rate),
      failed(edge),
      duration(edge.latency?.p99),
      edge.plaintext ? 'plaintext' : '',
    ]),
  );
  const plain = map.nodes.filter(({ plaintext }) => plaintext !== undefined);
  const lines = plain.map(
    ({ id, plaintext }) => `${inline(id)} is sent plaintext: ${plaintext} in the last five minutes`,
  );
  return [
    table(['caller', 'service', 'rate', 'failures', 'p99', ''], rows),
    ...(lines.length > 0 ? [lines.join('\n')] : []),
    footer(map, map.more, map.hidden),
  ].join('\n\n');
}

/** A text in the language of Graphviz: https://graphviz.org/doc/info/lang.html */
const quoted = (text: string): string => `"${inline(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** For Graphviz: services are boxes, what calls is an ellipse, what fails is red. */
export function dotOf(map: ServiceMap): string {
  const nodes = map.nodes.map(({ kind, id, plaintext }) => {
    const label = kind === 'workload' && id === '' ? '(no identity)' : id;
    const shape = kind === 'service' ? 'box' : 'ellipse';
    const style = plaintext === undefined ? '' : ', style=dashed';
    return `  ${quoted(`${kind} ${id}`)} [label=${quoted(label)}, shape=${shape}${style}];`;
  });
  const edges = map.edges.map((edge) => {
    const label = `${rate(edge.rate)}, ${failed(edge)}, p99 ${duration(edge.latency?.p99)}`;
    const color = edge.failures > 0 ? ', color=red' : '';
    const ends = `${quoted(`workload ${edge.caller}`)} -> ${quoted(`service ${edge.callee}`)}`;
    return `  ${ends} [label=${quoted(label)}${color}];`;
  });
  const serves = map.serves.map(
    ({ service, workload }) =>
      `  ${quoted(`service ${service}`)} -> ${quoted(`workload ${workload}`)} [style=dotted, arrowhead=none];`,
  );
  return ['digraph heddle {', '  rankdir=LR;', ...nodes, ...edges, ...serves, '}'].join('\n');
}
