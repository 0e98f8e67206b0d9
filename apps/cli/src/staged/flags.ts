/** Flags of a change that is tried before it is everybody's, or for good. */
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { durationSeconds } from '../numbers.js';

export interface TrialFlags {
  readonly canary?: string;
  readonly observe?: string;
  readonly confirmWithin?: string;
  readonly revertOn?: string;
  readonly tolerate?: string;
}

export const trialFlags = (command: Command): Command =>
  command
    .option(
      '--canary <percent>',
      'give it to a share of the proxies that it touches first, then go on in waves: 5%, or all waves: 5%,25%,50%',
    )
    .option('--observe <time>', 'how long each wave is watched after its last ACK (30s, 5m); default 30s')
    .option('--confirm-within <time>', 'take it back unless `heddle confirm` comes in this time (10m)')
    .option(
      '--revert-on <reasons>',
      'what takes it back by itself: nack,failures,disconnect or none; default: all with --canary, none without',
    )
    .option('--tolerate <percent>', 'share of those who were given it that may refuse or fail; default 0');

const REASONS = ['nack', 'failures', 'disconnect'];
/** Where a canary goes on to when only its first share is given. Percent. */
const NEXT_WAVES = [25, 50];

/** `trial` of an apply request; undefined when none of the flags is given. @throws CliError */
export function trialOf(flags: TrialFlags): object | undefined {
  const { canary, observe, confirmWithin, revertOn, tolerate } = flags;
  const given = [canary, observe, confirmWithin, revertOn, tolerate].some((flag) => flag !== undefined);
  if (!given) return undefined;
  return {
    ...(canary === undefined ? {} : { canary: waves(canary) }),
    ...(observe === undefined ? {} : { observeSeconds: durationSeconds('--observe', observe) }),
    ...(confirmWithin === undefined
      ? {}
      : { confirmWithinSeconds: durationSeconds('--confirm-within', confirmWithin) }),
    ...(revertOn === undefined ? {} : { revertOn: reasons(revertOn) }),
    ...(tolerate === undefined ? {} : { toleratedPercent: percent('--tolerate', tolerate) }),
  };
}

function waves(text: string): readonly number[] {
  const given = text.split(',').map((one) => percent('--canary', one));
  const [first = 0] = given;
  const all = given.length === 1 ? [first, ...NEXT_WAVES.filter((share) => share > first)] : given;
  if (all.every((share, i) => share > (all[i - 1] ?? 0) && share < 100)) return all;
  throw new CliError(`--canary ${text}: shares above 0 and below 100 %, each larger than the one before`, EXIT.usage);
}

function percent(flag: string, text: string): number {
  const value = Number(/^\s*(\d{1,3}(?:\.\d{1,3})?)\s*%?\s*$/.exec(text)?.[1] ?? Number.NaN);
  if (value >= 0 && value <= 100) return value;
  throw new CliError(`${flag} ${text}: a share such as 5%`, EXIT.usage);
}

function reasons(text: string): readonly string[] {
  if (text === 'none') return [];
  const given = text.split(',');
  const unknown = given.find((one) => !REASONS.includes(one));
  if (unknown === undefined) return given;
  throw new CliError(`--revert-on ${text}: ${REASONS.join(',')}, some of them, or none`, EXIT.usage);
}
