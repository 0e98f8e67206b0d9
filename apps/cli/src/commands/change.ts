import { Command } from 'commander';
import type { ChangePage, ChangeState, StagedView } from '#libs/api';
import { changeOf } from '../change-id.js';
import { remote, type Session, session } from '../command.js';
import { bar, showing } from '../delivery/bar.js';
import { follow, followChange } from '../delivery/follow.js';
import { requireDelivered } from '../delivery/outcome.js';
import { renderPage } from '../delivery/page.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { print, printAs, printable } from '../output.js';
import { type Touched, touchedLines } from '../past.js';
import { followStaged, requireKept } from '../staged/follow.js';
import { renderStaged, renderStagedList } from '../staged/render.js';

interface WatchFlags {
  readonly timeout?: string;
}

export function changeCommand(): Command {
  const command = new Command('change').description(
    'show what a change did and how far it has come, watch it, or decide about one on trial',
  );
  command.addCommand(
    remote(new Command('show').description('who, when, what field by field, and which proxies have it'))
      .argument('<change>', 'c-<revision>, as heddle history shows it')
      .action(async (change: string, flags: object) => show(session(flags), changeOf(change))),
  );
  command.addCommand(
    remote(
      new Command('watch').description('follow a change to the proxies; without one, all changes as they are made'),
    )
      .argument(
        '[change]',
        'c-<revision>, or s-<number>; exit code 5 if a proxy refuses it, 6 if time is over, 7 if a trial is taken back',
      )
      .option('--timeout <seconds>', 'how long to watch; default: until every proxy has answered')
      .action(async (change: string | undefined, flags: WatchFlags) => {
        const s = session(flags);
        const seconds = flags.timeout && wholeNumber('--timeout', flags.timeout, { min: 1, max: 86_400 });
        const timeoutMs = seconds ? seconds * 1000 : undefined;
        await (change === undefined ? watchAll(s, timeoutMs) : watchOne(s, changeOf(change), timeoutMs));
      }),
  );
  command.addCommand(
    remote(new Command('list').description('changes on trial, the newest first'))
      .option('--limit <count>', 'at most so many', '20')
      .action((flags: { readonly limit: string }) => list(session(flags), flags.limit)),
  );
  for (const [act, what] of Object.entries(ACTS)) {
    command.addCommand(
      remote(new Command(act).description(what))
        .argument('<change>', 's-<number>, or c-<revision>')
        .action((change: string, flags: object) => decide(session(flags), changeOf(change), act)),
    );
  }
  return command;
}

const ACTS: Readonly<Record<string, string>> = {
  promote: 'give a change on trial to everybody now',
  resume: 'let one that is held go on',
  revert: 'take one on trial back from whoever has it',
  confirm: 'keep one that would be taken back by itself',
};

/** Decides about a change on trial. */
export async function decide(s: Session, change: string, act: string): Promise<void> {
  const view = await s.rest.send<StagedView>('POST', `${s.meshPath}/staged/${encodeURIComponent(change)}/${act}`, {});
  printAs(s.format, view, () => renderStaged(view));
}

async function list(s: Session, limit: string): Promise<void> {
  const count = wholeNumber('--limit', limit, { min: 1, max: 500 });
  const { items } = await s.rest.get<{ items: StagedView[] }>(`${s.meshPath}/staged?limit=${count}`);
  printAs(s.format, items, () => renderStagedList(items));
}

async function show(s: Session, change: string): Promise<void> {
  const page = await s.rest.get<ChangePage>(`${s.meshPath}/changes/${encodeURIComponent(change)}`);
  printAs(s.format, page, () => renderPage(page));
}

async function watchTrial(s: Session, change: string, timeoutMs: number | undefined): Promise<void> {
  const onView = s.format === 'table' ? undefined : (view: StagedView) => print(JSON.stringify(view));
  const view = await followStaged(s, change, timeoutMs, onView);
  if (s.format === 'table' && view) print(renderStaged(view));
  requireKept(view, change);
}

async function watchOne(s: Session, change: string, timeoutMs: number | undefined): Promise<void> {
  if (change.startsWith('s-')) return watchTrial(s, change, timeoutMs);
  const shown = s.format === 'table' ? showing() : lines();
  const { last } = await followChange(s, change, {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onEvent: (state) => shown.show(state),
  }).finally(() => shown.end());
  const delivery = last?.delivery;
  if (!last) throw new CliError('nothing was heard of it', EXIT.undelivered);
  if (s.format === 'table' && delivery && !process.stderr.isTTY) print(bar(change, delivery));
  if (delivery) requireDelivered(change, delivery, 'when the time was over');
}

/** An event a line, for programs. */
const lines = () => ({ show: (state: object): void => print(JSON.stringify(state)), end: (): void => {} });

interface MeshEvent extends ChangeState {
  readonly at: string;
  readonly actor: string;
  readonly message: string;
  readonly items: readonly Touched[];
  readonly hidden?: number;
}

/** A line for each change and each move of its delivery. */
async function watchAll(s: Session, timeoutMs: number | undefined): Promise<void> {
  await follow<MeshEvent>(s, {
    ...{ path: `${s.meshPath}/events`, timeoutMs, onInterrupt: 'changes go on; heddle history shows them' },
    onEvent(told) {
      if (s.format !== 'table') return print(JSON.stringify(told));
      const { change, at, actor, message, items, hidden, delivery } = told;
      const what = touchedLines(items, hidden).replaceAll('\n', ', ');
      const state = delivery ? `  ${delivery.state}  ${bar(change, delivery)}` : '';
      print(printable(`${at}  ${actor}  ${[message, what].filter(Boolean).join(': ')}${state}`));
    },
  });
}
