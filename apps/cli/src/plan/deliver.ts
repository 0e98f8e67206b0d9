/** Applies a plan, or documents, and follows the change to the proxies. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { note, printAs, table } from '../output.js';
import { type ChangeProgress, counted, followDelivery, isFinished } from '../progress.js';
import { tell, type Warning } from '../warnings.js';
import type { Finding } from './types.js';

export interface DeliveryFlags {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly dryRun?: boolean;
}

interface ApplyAnswer {
  readonly change: string;
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
  command
    .option('-y, --yes', 'do not ask: for programs')
    .option('--wait', 'wait until every proxy has ACKed the change; exit code 5 if one refuses it, 6 if time is over')
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
  const answer = await s.rest.send<ApplyAnswer>('POST', `${s.meshPath}/apply`, {
    sources,
    body,
    headers: { 'idempotency-key': randomUUID() },
  });
  tell(answer.warnings);
  tellMoves(answer);
  const progress = flags.wait && answer.change ? await followDelivery(s, answer.change, seconds * 1000) : undefined;
  printAs(s.format, progress ? { ...answer, delivery: progress } : answer, () => report(answer, flags, progress));
  if (progress) requireDelivered(progress, seconds);
}

function tellMoves({ moved }: ApplyAnswer): void {
  if (!moved) return;
  const { planned, now } = moved.proxies;
  if (planned !== now) note(`instances have come or gone since the plan: it is sent to ${now} proxies, not ${planned}`);
  for (const { code, message } of moved.appeared) note(`new since the plan: ${message} [${code}]`);
}

/** @throws CliError when a proxy has refused the change, or has not answered yet */
function requireDelivered(progress: ChangeProgress, seconds: number): void {
  const { refused, total, behind } = progress;
  if (refused.length > 0) {
    throw new CliError(
      `${refused.length} of ${total} proxies refused the change`,
      EXIT.proxyRefused,
      refused.map((one) => `${one.proxy}: ${one.message}`),
    );
  }
  if (isFinished(progress)) return;
  throw new CliError(
    `only ${counted(progress)} have the change after ${seconds} s; it is stored and still on its way`,
    EXIT.undelivered,
    behind.map((proxy) => `${proxy} has not answered`),
  );
}

function report(answer: ApplyAnswer, flags: DeliveryFlags, progress: ChangeProgress | undefined): string {
  const rows = answer.items.map((item) => [item.op, item.kind, item.namespace, item.name]);
  const outcome = flags.dryRun
    ? 'nothing was stored (--dry-run)'
    : answer.change
      ? `change ${answer.change}`
      : 'nothing to change';
  const delivery = progress ? `\n${counted(progress)} have it (${progress.elapsedMs} ms)` : '';
  return `${table(['', 'kind', 'namespace', 'name'], rows)}\n\n${outcome}${delivery}`;
}
