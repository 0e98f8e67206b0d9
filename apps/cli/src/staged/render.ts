/** A change on trial, for people. */
import { isStagedOpen } from '#libs/kernel';
import { printable, table } from '../output.js';
import { styled } from '../terminal.js';
import type { StagedView } from './types.js';

const STATES: Readonly<Record<StagedView['state'], string>> = {
  queued: 'waits for its turn',
  canary: 'some proxies have it',
  held: 'waits for your decision',
  watched: 'every proxy is given it',
  done: 'every proxy has it for good',
  reverted: 'taken back',
  failed: 'given up',
};

/** `s-3  wave 1 of 3 (5 %): 2 of 3 proxies have it; observed for another 6 s` */
export function stagedLine(view: StagedView): string {
  const { id, state, wave, waves, seen, reason } = view;
  const where = wave > 0 ? `wave ${wave} of ${waves.length} (${waves[wave - 1]} %)` : STATES[state];
  const have = seen && seen.given > 0 ? `: ${seen.acked} of ${seen.given} proxies have it` : '';
  return printable(`${id}  ${state === 'held' ? 'held, ' : ''}${where}${have}${reason === '' ? '' : `; ${reason}`}`);
}

export function renderStaged(view: StagedView): string {
  const { id, actor, createdAt, message, items, members, state, change, hidden } = view;
  return [
    styled('bold', printable(`${id} by ${actor} at ${createdAt}`)),
    ...(message ? [`  ${printable(message)}`] : []),
    ...items.map((item) => printable(`${item.op === 'put' ? '~' : '-'} ${item.kind} ${name(item)}`)),
    '',
    stagedLine(view),
    ...(isStagedOpen(view) ? [`given to ${members.map(printable).join(', ')}`, ...hosts(view)] : []),
    ...(change ? [`${state === 'reverted' ? 'was' : 'is'} everybody's as ${change}`] : []),
    ...(hidden ? [`and ${hidden} that you may not see`] : []),
    ...next(view).map((line) => `\n${line}`),
  ].join('\n');
}

const name = ({ namespace, name: own }: { readonly namespace: string; readonly name: string }): string =>
  namespace === '' ? own : `${namespace}/${own}`;

function hosts({ seen }: StagedView): readonly string[] {
  return Object.entries(seen?.hosts ?? {}).flatMap(([host, found]) => [
    ...found.refused.map(({ proxy, type, name: of, message }) =>
      styled('red', printable(`  ${host}: ${proxy} refuses ${type} ${of}: ${message}`)),
    ),
    ...found.disconnected.map((proxy) => styled('red', printable(`  ${host}: ${proxy} disconnected`))),
    ...found.behind.map((proxy) => printable(`  ${host}: ${proxy} has not answered`)),
    ...Object.entries(found.traffic).map(([scope, { requests, failures }]) =>
      printable(`  ${host}: ${failures} of ${requests} requests failed (${scope})`),
    ),
  ]);
}

/** What one may want to type now. */
function next({ id, state, confirmWithinSeconds }: StagedView): readonly string[] {
  if (state === 'watched' && confirmWithinSeconds !== undefined)
    return [`heddle confirm ${id}    keep it`, `heddle change revert ${id}    take it back now`];
  if (state === 'held') return [`heddle change resume ${id}    go on`, `heddle change revert ${id}    take it back`];
  if (state === 'canary')
    return [`heddle change promote ${id}    give it to everybody now`, `heddle change revert ${id}    take it back`];
  return [];
}

export const renderStagedList = (views: readonly StagedView[]): string =>
  table(
    ['id', 'state', 'change', 'author', 'since', 'what', ''],
    views.map((view) => [
      ...[view.id, view.state, view.change ?? '', view.actor, view.stepAt.replace(/\.\d+Z$/, 'Z')],
      view.items.map((item) => `${item.kind} ${name(item)}`).join(', '),
      view.reason,
    ]),
  );
