import { Command } from 'commander';
import { changeOf, revisionIn } from '../change-id.js';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { print } from '../output.js';
import { requireConsent, requireSomebody } from '../plan/ask.js';
import { type DeliveryFlags, deliver, deliveryFlags, deliverySeconds } from '../plan/deliver.js';
import { changes, renderPlan } from '../plan/render.js';
import type { Plan } from '../plan/types.js';

interface Flags extends DeliveryFlags {
  readonly to?: string;
  readonly skipConflicts?: boolean;
  readonly overwrite?: boolean;
  readonly includeSecurity?: boolean;
  readonly message?: string;
  readonly yes?: boolean;
}

const HELP = `
A rollback is a new change with the old content: history only grows. Resources that later changes have written too are
conflicts: they are shown, and nothing is done until you say --skip-conflicts or --overwrite.`;

export function rollbackCommand(): Command {
  const command = new Command('rollback').description('take back a change, or go back to how everything was');
  return deliveryFlags(remote(command))
    .argument('[change]', 'c-<revision>, as heddle history shows it')
    .option('--to <revision>', 'everything as it was after this revision')
    .option('--skip-conflicts', 'leave alone what later changes have written too')
    .option('--overwrite', 'take that back as well')
    .option('--include-security', 'also access policies, grants, roles, and what a mesh says of them')
    .option('--message <text>', 'why, for the history')
    .addHelpText('after', HELP)
    .action((change: string | undefined, flags: Flags) => run(session(flags), change, flags));
}

async function run(s: Session, change: string | undefined, flags: Flags): Promise<void> {
  deliverySeconds(flags);
  const rollback = targetOf(change, flags);
  if (!flags.yes) requireSomebody(false);
  const plan = await s.rest.send<Plan>('POST', `${s.meshPath}/plan`, {
    body: {
      rollback,
      ...(flags.includeSecurity ? { includeSecurity: true } : {}),
      ...(flags.message ? { message: flags.message } : {}),
    },
  });
  if (!flags.yes) {
    print(`${renderPlan(plan, { full: false })}\n`);
    if (changes(plan).length === 0) return print('nothing to change: it is like that already');
    await requireConsent('Go back to this?', false);
  }
  return deliver(s, flags, { plan: plan.id });
}

function targetOf(change: string | undefined, { to, skipConflicts, overwrite }: Flags): object {
  if ((change === undefined) === (to === undefined)) throw new CliError('give a change, or --to REVISION', EXIT.usage);
  if (skipConflicts && overwrite) throw new CliError('give --skip-conflicts or --overwrite, not both', EXIT.usage);
  const conflicts = skipConflicts ? 'skip' : overwrite ? 'overwrite' : 'refuse';
  if (change === undefined)
    return { toRevision: wholeNumber('--to', `${revisionIn(to ?? '') ?? to}`, { min: 1, max: 1e15 }), conflicts };
  return { change: changeOf(change), conflicts };
}
