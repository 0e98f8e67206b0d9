/** Applies a plan, or documents, and follows the change to the proxies. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Delivery } from '#libs/changes';
import type { Session } from '../command.js';
import { showing } from '../delivery/bar.js';
import { counted } from '../delivery/counted.js';
import { followChange } from '../delivery/follow.js';
import { requireDelivered } from '../delivery/outcome.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { note, printAs, table } from '../output.js';
import { type TrialFlags, trialFlags, trialOf } from '../staged/flags.js';
import { followStaged, requireKept } from '../staged/follow.js';
import { renderStaged } from '../staged/render.js';
import { tell, type Warning } from '../warnings.js';
import type { Finding } from './types.js';

export interface DeliveryFlags extends TrialFlags {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

interface ApplyAnswer {
  readonly change: string;
  /** The trial that it is on. */
  readonly staged?: string;
  readonly items: readonly {
    readonly op: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  }[];
  readonly warnings: readonly Warning[];
  readonly moved?: {
    readonly proxies: { readonly planned: number; readonly now: number };
    readonly appeared: readonly Finding[];
  };
}

export const deliveryFlags = (command: Command): Command =>
  trialFlags(command)
    .option('-y, --yes', 'do not ask: for programs')
    .option('--force', 'overrule what stands against a change with two sides, such as plaintext in use; audited')
    .option(
      '--wait',
      'wait until every proxy has ACKed the change; exit code 5 if one refuses it, 6 if time is over, 7 if a trial is taken back',
    )
    .option('--timeout <seconds>', 'how long to wait', '60');

/** @throws CliError for a --timeout that is none */
export const deliverySeconds = ({ timeout }: DeliveryFlags): number =>
  wholeNumber('--timeout', timeout, { min: 1, max: 86_400 });

/** @param body of the apply request */
export async function deliver(
  s: Session,
  flags: DeliveryFlags,
  body: object,
  sources: readonly string[] = [],
): Promise<void> {
  const seconds = deliverySeconds(flags);
  const trial = trialOf(flags);
  if (trial && flags.dryRun) throw new CliError('--dry-run goes without --canary and --confirm-within', EXIT.usage);
  const answer = await s.rest.send<ApplyAnswer>('POST', `${s.meshPath}/apply`, {
    sources,
    body: { ...body, ...(trial ? { trial } : {}), ...(flags.force ? { force: true } : {}) },
    headers: { 'idempotency-key': randomUUID() },
  });
  tell(answer.warnings);
  tellMoves(answer);
  if (answer.staged === answer.change && answer.staged) return tried(s, flags, answer, seconds);
  const delivery = flags.wait && answer.change ? await delivered(s, answer.change, seconds) : undefined;
  printAs(s.format, delivery ? { ...answer, delivery } : answer, () => report(answer, flags, delivery));
  if (delivery) requireDelivered(answer.change, delivery, `after ${seconds} s`);
}

/** A change that some proxies have first. */
async function tried(s: Session, flags: DeliveryFlags, answer: ApplyAnswer, seconds: number): Promise<void> {
  const { change } = answer;
  const view = flags.wait ? await followStaged(s, change, seconds * 1000) : undefined;
  printAs(s.format, view ? { ...answer, staged: view } : answer, () =>
    view
      ? renderStaged(view)
      : `${table(['', 'kind', 'namespace', 'name'], rowsOf(answer))}\n\n${change} is on trial: heddle change watch ${change}`,
  );
  if (flags.wait) requireKept(view, change);
}

/** @throws CliError when nothing was heard of it in that time: it is stored all the same */
async function delivered(s: Session, change: string, seconds: number): Promise<Delivery> {
  const shown = showing();
  const { last } = await followChange(s, change, {
    timeoutMs: seconds * 1000,
    onEvent: (state) => shown.show(state),
  }).finally(() => shown.end());
  if (last?.delivery) return last.delivery;
  throw new CliError(`${change} is stored, but nothing was heard of it for ${seconds} s`, EXIT.undelivered, [
    `go on watching: heddle change watch ${change}`,
  ]);
}

function tellMoves({ moved }: ApplyAnswer): void {
  if (!moved) return;
  const { planned, now } = moved.proxies;
  if (planned !== now) note(`instances have come or gone since the plan: it is sent to ${now} proxies, not ${planned}`);
  for (const { code, message } of moved.appeared) note(`new since the plan: ${message} [${code}]`);
}

const rowsOf = ({ items }: ApplyAnswer): string[][] =>
  items.map((item) => [item.op, item.kind, item.namespace, item.name]);

const kept = (change: string, { confirmWithin }: DeliveryFlags): string =>
  confirmWithin === undefined
    ? `heddle change show ${change} tells what is seen of it`
    : `taken back in ${confirmWithin} unless you say: heddle confirm ${change}`;

function report(answer: ApplyAnswer, flags: DeliveryFlags, delivery: Delivery | undefined): string {
  const rows = rowsOf(answer);
  const outcome = flags.dryRun
    ? 'nothing was stored (--dry-run)'
    : answer.change
      ? `change ${answer.change}${answer.staged ? `; ${kept(answer.change, flags)}` : ''}`
      : 'nothing to change';
  const reached = delivery ? `\n${counted(delivery)} have it (${delivery.elapsedMs} ms)` : '';
  return `${table(['', 'kind', 'namespace', 'name'], rows)}\n\n${outcome}${reached}`;
}
