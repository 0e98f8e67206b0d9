import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { CliError, Ended, EXIT } from '../exit-codes.js';
import { printAs } from '../output.js';
import { changes, renderIntent } from '../plan/render.js';
import { documentsOf, type PlanFlags, planFlags, planOf } from '../plan/request.js';
import type { NetDifference } from '../plan/types.js';

const HELP = `
Exit codes are those of diff(1): 0 no difference, 1 differences, 2 and above trouble.

Examples:
  heddle diff -f shop/ --prune     does the mesh hold what this directory says, and nothing more of its owner?
  heddle diff 12 c-15              what changed between two revisions
  heddle diff 12                   what has changed since`;

/** What diff(1) calls trouble, where it is not one of our own codes above it. */
const TROUBLE = 2;

export function diffCommand(): Command {
  const command = new Command('diff').description('compare files with the mesh, or two revisions with one another');
  return planFlags(remote(command))
    .argument('[from]', 'revision or change')
    .argument('[to]', 'revision or change; default: now')
    .addHelpText('after', HELP)
    .action(async (from: string | undefined, to: string | undefined, flags: PlanFlags) => {
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

async function run(s: Session, { from, to }: Revisions, flags: PlanFlags): Promise<boolean> {
  if (from === undefined) return ofFiles(s, flags);
  if (flags.file) throw new CliError('give either revisions, or -f FILE', EXIT.usage);
  const query = new URLSearchParams({ from: revision(from), ...(to === undefined ? {} : { to: revision(to) }) });
  const answer = await s.rest.get<{ items: NetDifference[]; hidden: number }>(`${s.meshPath}/diff?${query}`);
  printAs(s.format, answer, () => rendered(answer.items, answer.hidden));
  return answer.items.length + answer.hidden > 0;
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
  const number = /^(?:c-)?(\d{1,15})$/.exec(text)?.[1];
  if (number !== undefined) return number;
  throw new CliError(`${text} is no revision: write 12 or c-12, as heddle history shows them`, EXIT.usage);
}
