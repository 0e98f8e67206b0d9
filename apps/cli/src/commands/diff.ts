import { Command } from 'commander';
import { revisionIn } from '../change-id.js';
import { remote, type Session, session } from '../command.js';
import { CliError, Ended, EXIT } from '../exit-codes.js';
import { ofProxy } from '../explain/diff.js';
import { printAs } from '../output.js';
import { changes, renderIntent } from '../plan/render.js';
import { documentsOf, type PlanFlags, planFlags, planOf } from '../plan/request.js';
import type { NetDifference } from '../plan/types.js';
import { proxyOf } from '../proxy-name.js';

const HELP = `
Exit codes are those of diff(1): 0 no difference, 1 differences, 2 and above trouble.

Examples:
  heddle diff -f shop/ --prune     does the mesh hold what this directory says, and nothing more of its owner?
  heddle diff 12 c-15              what changed between two revisions
  heddle diff 12                   what has changed since
  heddle diff web --at -1h --at -5m   what the proxy of web ran at two times: resource by resource; one --at: then and now`;

interface Flags extends PlanFlags {
  readonly at?: readonly string[];
}

const collect = (time: string, before: readonly string[] = []): readonly string[] => [...before, time];

/** What diff(1) calls trouble, where it is not one of our own codes above it. */
const TROUBLE = 2;

export function diffCommand(): Command {
  const command = new Command('diff').description(
    'compare files with the mesh, two revisions, or what a proxy was running at two times',
  );
  return planFlags(remote(command))
    .argument('[from]', 'revision or change; with --at, a proxy')
    .argument('[to]', 'revision or change; default: now')
    .option('--at <time>', 'what the proxy was running then, as heddle explain has it; may be given twice', collect)
    .addHelpText('after', HELP)
    .action(async (from: string | undefined, to: string | undefined, flags: Flags) => {
      const different = await run(session(flags), { from, to }, flags).catch(asTrouble);
      if (different) throw new Ended(1);
    });
}

/** 1 means that there are differences, so it can mean nothing else. */
function asTrouble(error: unknown): never {
  if (error instanceof CliError && error.code <= 1) throw new CliError(error.message, TROUBLE, error.details);
  throw error;
}

interface Revisions {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

async function run(s: Session, { from, to }: Revisions, flags: Flags): Promise<boolean> {
  if (flags.at !== undefined) return ofTimes(s, { from, to }, flags);
  if (from === undefined) return ofFiles(s, flags);
  if (flags.file) throw new CliError('give either revisions, or -f FILE', EXIT.usage);
  const query = new URLSearchParams({ from: revision(from), ...(to === undefined ? {} : { to: revision(to) }) });
  const answer = await s.rest.get<{ items: NetDifference[]; hidden: number }>(`${s.meshPath}/diff?${query}`);
  printAs(s.format, answer, () => rendered(answer.items, answer.hidden));
  return answer.items.length + answer.hidden > 0;
}

async function ofTimes(s: Session, { from, to }: Revisions, { at = [], file }: Flags): Promise<boolean> {
  const [before = '', after = '-0s', ...more] = at;
  if (from === undefined || to !== undefined || file || more.length > 0)
    throw new CliError('--at goes with one proxy, and is given once or twice: heddle diff web --at -1h', EXIT.usage);
  return ofProxy(s, proxyOf(s, from), { before, after });
}

async function ofFiles(s: Session, flags: PlanFlags): Promise<boolean> {
  const plan = await planOf(documentsOf(s, flags), flags, { save: false, details: 0 });
  const differences = changes(plan);
  const unchanged = plan.intent.length - differences.length;
  const hidden = plan.hidden?.intent ?? 0;
  printAs(s.format, { differences, unchanged, hidden, findings: plan.findings }, () => rendered(plan.intent, hidden));
  return differences.length + hidden > 0;
}

const rendered = (items: Parameters<typeof renderIntent>[0], hidden: number): string => {
  const lines = [...renderIntent(items), ...(hidden > 0 ? [`and ${hidden} that you may not see`] : [])];
  return lines.length > 0 ? lines.join('\n') : 'no difference';
};

function revision(text: string): string {
  const number = revisionIn(text);
  if (number !== undefined) return `${number}`;
  throw new CliError(`${text} is no revision: write 12 or c-12, as heddle history shows them`, EXIT.usage);
}
