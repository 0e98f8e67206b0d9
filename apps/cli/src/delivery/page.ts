/** The page of a change, for people. */
import type { ChangePage } from '#libs/api';
import type { Delivery } from '#libs/changes';
import { revisionOf } from '#libs/kernel';
import { printable } from '../output.js';
import { renderIntent } from '../plan/render.js';
import { renderStaged, stagedLine } from '../staged/render.js';
import { styled } from '../terminal.js';
import { bar } from './bar.js';
import { behindLines, refusedLines } from './outcome.js';

const STATES: Readonly<Record<Delivery['state'], string>> = {
  Delivering: 'on its way',
  Delivered: 'every proxy has it',
  Refused: 'refused',
  Unserved: 'no replica serves proxies',
  Unknown: 'deliveries are known for 30 days: nothing is kept of this one',
};

export function renderPage(page: ChangePage): string {
  if (page.staged && revisionOf(page.change) === undefined) return renderStaged(page.staged);
  return [
    header(page),
    items(page),
    page.staged ? [stagedLine(page.staged)] : [],
    page.delivery ? delivery(page.change, page.delivery) : [],
    next(page),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function header({ change, at, actor, message, reverts }: ChangePage): readonly string[] {
  const who = at && actor ? ` by ${actor} at ${at}` : '';
  return [
    styled('bold', printable(`${change}${who}`)),
    ...(message ? [`  ${printable(message)}`] : []),
    ...(reverts ? [`  takes back ${printable(reverts)}`] : []),
  ];
}

const items = ({ items: changed, hidden = 0 }: ChangePage): readonly string[] => [
  ...renderIntent(changed.map((item) => ({ ...item, changes: [] }))),
  ...(hidden > 0 ? [`and ${hidden} ${hidden === 1 ? 'other' : 'others'} that you may not see`] : []),
];

function delivery(change: string, one: NonNullable<ChangePage['delivery']>): readonly string[] {
  if (one.state === 'Unknown') return [STATES.Unknown];
  return [
    bar(change, one),
    STATES[one.state],
    ...refusedLines(one).map((line) => styled('red', `  ${printable(line)}`)),
    ...(one.state === 'Delivering' ? behindLines(one).map((line) => `  ${printable(line)}`) : []),
    ...(one.hidden ? [`  and ${one.hidden} of proxies that you may not see`] : []),
  ];
}

/** What one may want to type now. */
function next({ change, delivery: one }: ChangePage): readonly string[] {
  if (revisionOf(change) === undefined) return [];
  const [refusal] = one?.refused ?? [];
  const proxy = (refusal ?? one?.behind[0])?.proxy.split('/').at(-1);
  return [
    ...(one?.state === 'Delivering' ? [`heddle change watch ${change}    follow it`] : []),
    ...(proxy ? [`heddle explain ${printable(proxy)}    what that proxy runs, and why`] : []),
    `heddle rollback ${change}    take it back`,
  ];
}
