/** A plan for people: intent first, then what it does to Envoys and proxies, then what to think about. */
import { stringify } from 'yaml';
import { cut, styled, terminalWidth } from '../terminal.js';
import type { EnvoyChange, FieldChange, Finding, IntentChange, NetDifference, Plan, Replay } from './types.js';

export interface RenderOptions {
  /** Envoy resources field by field. */
  readonly full: boolean;
}

/** Most proxies and resources that are named; `--full` and `-o json` have all. */
const SHOWN = 20;

const SIGNS = {
  create: { sign: '+', colour: 'green' },
  add: { sign: '+', colour: 'green' },
  update: { sign: '~', colour: 'yellow' },
  change: { sign: '~', colour: 'yellow' },
  move: { sign: '~', colour: 'yellow' },
  delete: { sign: '-', colour: 'red' },
  remove: { sign: '-', colour: 'red' },
  unchanged: { sign: '=', colour: 'dim' },
} as const;

export function renderPlan(plan: Plan, options: RenderOptions): string {
  const sections = [
    renderIntent(plan.intent),
    plan.conflicts.map(({ kind, namespace, name, decision, later }) => {
      const who = later.map(({ change, actor }) => `${actor} in ${change}`).join(', ');
      return line(
        0,
        `! ${decision === 'skip' ? 'left alone' : 'overwritten'}: ${printed({ kind, namespace, name })}, written later by ${who}`,
      );
    }),
    hasEffect(plan) ? renderEffect(plan, options) : [],
    plan.replay ? renderReplay(plan.replay) : [],
    renderFindings('Findings', plan.findings),
    renderFindings('Resolved', plan.resolved),
    renderHidden(plan),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

export const changes = (plan: Pick<Plan, 'intent'>): readonly IntentChange[] =>
  plan.intent.filter(({ op }) => op !== 'unchanged');

const hasEffect = ({ intent }: Plan): boolean => intent.some(({ op }) => op !== 'unchanged');

/** What is meant; also the difference of two revisions. */
export function renderIntent(intent: readonly (IntentChange | NetDifference)[]): readonly string[] {
  const changed = intent.filter(({ op }) => op !== 'unchanged');
  const same = intent.length - changed.length;
  return [
    ...changed.flatMap((one) => [
      marked(
        0,
        one.op,
        `${one.op} ${printed(one)}${'sameMeaning' in one ? ' (in words only: it means the same)' : ''}`,
      ),
      ...one.fields.map((field) => renderField(4, field)),
    ]),
    ...(same > 0 ? [line(0, styled('dim', `= ${same} unchanged`))] : []),
  ];
}

function renderEffect({ envoy, proxies, cost }: Plan, { full }: RenderOptions): readonly string[] {
  const shown = full ? envoy.items : envoy.items.slice(0, SHOWN);
  const names = proxies.items.map(({ namespace, instance }) => `${namespace}/${instance}`);
  const more = names.length > SHOWN && !full ? [...names.slice(0, SHOWN), `and ${names.length - SHOWN} others`] : names;
  return [
    line(0, styled('bold', `Envoy: ${envoy.added} added, ${envoy.changed} changed, ${envoy.removed} removed`)),
    ...shown.flatMap((one) => renderEnvoy(one, full)),
    ...(shown.length < envoy.items.length
      ? [line(2, `and ${envoy.items.length - shown.length} others (--full shows all)`)]
      : []),
    line(0, styled('bold', `Proxies: ${proxies.touched} of ${proxies.total} are sent something`)),
    ...(more.length > 0 ? wrapped(2, more) : []),
    line(0, styled('dim', `Cost: ${cost.recomputed} queries recomputed`)),
  ];
}

/** Envoy resources of one proxy at two times. */
export const renderResources = (
  items: readonly (Pick<EnvoyChange, 'op' | 'type' | 'name'> & { readonly fields: readonly FieldChange[] })[],
): readonly string[] =>
  items.flatMap(({ op, type, name, fields }) => [
    marked(0, op, `${op} ${type} ${name}`),
    ...fields.map((field) => renderField(4, field)),
  ]);

function renderEnvoy(one: EnvoyChange, full: boolean): readonly string[] {
  const fields = one.fields ?? [];
  const content = full && one.content !== undefined ? stringify(one.content).trimEnd().split('\n') : [];
  const shown = full ? fields : fields.slice(0, 5);
  return [
    marked(2, one.op, `${one.type} ${one.name} (${counted(one.proxies, 'proxy', 'proxies')})`),
    ...shown.map((field) => renderField(6, field)),
    ...(shown.length < fields.length ? [line(6, `and ${fields.length - shown.length} other fields`)] : []),
    ...content.map((text) => line(6, text)),
  ];
}

function renderFindings(title: string, findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return [];
  return [
    line(0, styled('bold', title)),
    ...findings.flatMap(({ severity, code, resource, path, message, introduced }) => {
      const head = `${severity} ${code}: ${[printed(resource), path].filter(Boolean).join(' ')}`;
      const old = introduced || title === 'Resolved' ? '' : ' (already so)';
      return [
        line(2, styled(severity === 'critical' ? 'red' : 'yellow', head) + old),
        ...wrapped(4, message.split(' '), ' '),
      ];
    }),
  ];
}

function renderReplay({ total, unchanged, groups, unsupported, skipped }: Replay): readonly string[] {
  const changed = total - unchanged - unsupported.length;
  return [
    line(0, styled('bold', `Requests: ${total} replayed, ${changed} changed, ${unsupported.length} not judged`)),
    ...groups.flatMap(({ before, after, lost, gained, requests, examples, callers }) => {
      const where = before === after ? before : `${before} → ${after}`;
      const more = requests.length - examples.length;
      return [
        marked(2, 'change', where),
        ...examples.map((text) => line(6, text)),
        ...(more > 0 ? [line(6, `and ${counted(more, 'other request', 'other requests')}`)] : []),
        ...lost.map((text) => marked(6, 'remove', text)),
        ...gained.map((text) => marked(6, 'add', text)),
        ...wrapped(6, [
          `from ${callers.map((one) => `${one.namespace} (${counted(one.proxies, 'proxy', 'proxies')})`).join(', ')}`,
        ]),
      ];
    }),
    ...unsupported.slice(0, SHOWN).flatMap(({ example, reason }) => [line(2, `? ${example}`), line(6, reason)]),
    ...(skipped > 0 ? [line(2, `? ${counted(skipped, 'proxy', 'proxies')} without a listener for all hosts`)] : []),
  ];
}

function renderHidden({ hidden }: Plan): readonly string[] {
  if (!hidden) return [];
  const parts = Object.entries(hidden).filter(([, count]) => count > 0);
  return [line(0, styled('dim', `You may not see: ${parts.map(([what, count]) => `${count} of ${what}`).join(', ')}`))];
}

function renderField(indent: number, { path, op, before, after }: FieldChange): string {
  const text = {
    add: () => `${path}: ${value(after)}`,
    remove: () => `${path}: ${value(before)}`,
    change: () => `${path}: ${value(before)} → ${value(after)}`,
    move: () => `${path || 'the list'}: now in the order ${value(after)}`,
  }[op]();
  return marked(indent, op, text);
}

const value = (any: unknown): string => (typeof any === 'string' ? any : JSON.stringify(any));

function marked(indent: number, op: keyof typeof SIGNS, text: string): string {
  const { sign, colour } = SIGNS[op];
  return styled(colour, line(indent, `${sign} ${text}`));
}

function line(indent: number, text: string): string {
  const width = terminalWidth();
  // Escapes have no width; whoever styles a part of a line keeps it short.
  return text.includes('\u001b')
    ? `${' '.repeat(indent)}${text}`
    : cut(`${' '.repeat(indent)}${printable(text)}`, width);
}

/** Words on as many lines as they need. */
function wrapped(indent: number, words: readonly string[], between = ', '): readonly string[] {
  const width = terminalWidth() ?? 120;
  const lines: string[] = [];
  let current = '';
  for (const word of words.map(printable)) {
    const longer = current === '' ? word : `${current}${between}${word}`;
    if (current !== '' && indent + longer.length > width) {
      lines.push(current + between.trimEnd());
      current = word;
    } else current = longer;
  }
  return [...lines, current].filter(Boolean).map((text) => cut(`${' '.repeat(indent)}${text}`, terminalWidth()));
}

/** Texts of users may hold control characters, which a terminal would obey (SEC-12). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export const printed = ({
  kind,
  namespace,
  name,
}: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): string => `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
