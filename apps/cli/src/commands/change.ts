import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { bar, showing } from '../delivery/bar.js';
import { follow, followChange } from '../delivery/follow.js';
import { requireDelivered } from '../delivery/outcome.js';
import { renderPage } from '../delivery/page.js';
import type { ChangePage, ChangeState } from '../delivery/types.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { print, printAs, printable } from '../output.js';
import { type Touched, touchedLines } from '../past.js';

interface WatchFlags {
  readonly timeout?: string;
}

export function changeCommand(): Command {
  const command = new Command('change').description('show what a change did and how far it has come, or watch it');
  command.addCommand(
    remote(new Command('show').description('who, when, what field by field, and which proxies have it'))
      .argument('<change>', 'c-<revision>, as heddle history shows it')
      .action(async (change: string, flags: object) => show(session(flags), changeId(change))),
  );
  command.addCommand(
    remote(
      new Command('watch').description('follow a change to the proxies; without one, all changes as they are made'),
    )
      .argument('[change]', 'c-<revision>; exit code 5 if a proxy refuses it, 6 if time is over')
      .option('--timeout <seconds>', 'how long to watch; default: until every proxy has answered')
      .action(async (change: string | undefined, flags: WatchFlags) => {
        const s = session(flags);
        const seconds = flags.timeout && wholeNumber('--timeout', flags.timeout, { min: 1, max: 86_400 });
        const timeoutMs = seconds ? seconds * 1000 : undefined;
        await (change === undefined ? watchAll(s, timeoutMs) : watchOne(s, changeId(change), timeoutMs));
      }),
  );
  return command;
}

async function show(s: Session, change: string): Promise<void> {
  const page = await s.rest.get<ChangePage>(`${s.meshPath}/changes/${encodeURIComponent(change)}`);
  printAs(s.format, page, () => renderPage(page));
}

async function watchOne(s: Session, change: string, timeoutMs: number | undefined): Promise<void> {
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

function changeId(text: string): string {
  if (/^\d{1,15}$/.test(text)) return `c-${text}`;
  if (/^[a-z]{1,8}-\w{1,64}$/.test(text)) return text;
  throw new CliError(`${text} is no change: write c-42, as heddle history shows them`, EXIT.usage);
}
