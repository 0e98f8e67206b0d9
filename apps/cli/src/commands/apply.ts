import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { print } from '../output.js';
import { requireConsent, requireSomebody } from '../plan/ask.js';
import { type DeliveryFlags, deliver, deliveryFlags, deliverySeconds } from '../plan/deliver.js';
import { changes, renderPlan } from '../plan/render.js';
import { documentsOf, type PlanFlags, planFlags, planOf } from '../plan/request.js';

export interface ApplyFlags extends PlanFlags, DeliveryFlags {
  readonly plan?: string;
  readonly yes?: boolean;
}

export function applyCommand(): Command {
  const command = new Command('apply').description(
    'create or update resources from manifests, all in one change; shows the plan first and asks',
  );
  return deliveryFlags(planFlags(remote(command)))
    .option('--plan <id>', 'apply exactly this plan of `heddle plan`; refused if one of its inputs has changed')
    .option('--message <text>', 'why, for the history')
    .option('--dry-run', 'check everything, store nothing')
    .action((flags: ApplyFlags) => run(session(flags), flags));
}

async function run(s: Session, flags: ApplyFlags): Promise<void> {
  if (flags.plan !== undefined) {
    if (flags.file || flags.prune || flags.dryRun || flags.message)
      throw new CliError('--plan goes alone: what it does is decided', EXIT.usage);
    return deliver(s, flags, { plan: flags.plan });
  }
  return applyFiles(s, flags);
}

/** Plans, shows, asks and applies; without questions where --yes says so. */
export async function applyFiles(s: Session, flags: ApplyFlags): Promise<void> {
  deliverySeconds(flags);
  const documents = documentsOf(s, flags);
  const { session: there, manifests, sources, fromInput } = documents;
  if (!flags.prune && (flags.yes || flags.dryRun)) {
    if (flags.owner !== undefined) throw new CliError('--owner goes with --prune', EXIT.usage);
    const { message, dryRun } = flags;
    return deliver(
      there,
      flags,
      { manifests, ...(message ? { message } : {}), ...(dryRun ? { dryRun } : {}) },
      sources,
    );
  }
  if (flags.dryRun) throw new CliError('heddle plan --prune shows what would be done', EXIT.usage);
  if (!flags.yes) requireSomebody(fromInput);
  if (!flags.yes && s.format !== 'table')
    throw new CliError(`-o ${s.format} is for programs: say --yes too`, EXIT.usage);
  const plan = await planOf(documents, flags, { save: true });
  if (!flags.yes) {
    print(`${renderPlan(plan, { full: false })}\n`);
    if (changes(plan).length === 0) return print('nothing to change');
    await requireConsent('Apply this?', fromInput);
  }
  return deliver(there, flags, { plan: plan.id }, sources);
}
