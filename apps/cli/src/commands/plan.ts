import { Command } from 'commander';
import type { WrittenRequest } from '#libs/changes';
import { remote, type Session, session } from '../command.js';
import { readDocuments } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
import { printAs } from '../output.js';
import { changes, renderPlan } from '../plan/render.js';
import { documentsOf, type PlanFlags, planFlags, planOf } from '../plan/request.js';
import type { Plan } from '../plan/types.js';
import { targetsOf } from './delete.js';

interface Flags extends PlanFlags {
  readonly full?: boolean;
  readonly save: boolean;
  readonly failOn?: string;
  readonly delete?: boolean;
  readonly replay?: string;
}

/** Most Envoy resources that the server describes field by field. */
const ALL = 10_000;

export function planCommand(): Command {
  const command = new Command('plan').description(
    'show what manifests would change: resources, Envoys, proxies, and what to think about; writes nothing',
  );
  return planFlags(remote(command))
    .argument('[id]', 'show this plan again')
    .option('--message <text>', 'why, for the history once it is applied')
    .option('--delete', 'plan the deletion of what the files describe')
    .option('--replay <file>', 'sample requests (YAML or JSON Lines): which of them would go elsewhere')
    .option('--full', 'every Envoy resource, field by field')
    .option('--drain-percent <n>', 'warn when more proxies than this get new listeners (default: 20)')
    .option('--no-save', 'do not keep the plan: enough for readers')
    .option('--fail-on <severity>', 'exit code 1 if the change brings a finding: warning or critical')
    .action((id: string | undefined, flags: Flags) => run(session(flags), id, flags));
}

async function run(s: Session, id: string | undefined, flags: Flags): Promise<void> {
  const failOn = parseFailOn(flags.failOn);
  if (id !== undefined && flags.replay)
    throw new CliError('--replay goes with -f FILE: a plan is as it was made', EXIT.usage);
  if (id !== undefined && flags.file) throw new CliError('give either the id of a plan, or -f FILE', EXIT.usage);
  const plan =
    id === undefined
      ? await newPlan(s, flags)
      : await s.rest.get<Plan>(`${s.meshPath}/plans/${encodeURIComponent(id)}`);
  printAs(s.format, plan, () => `${renderPlan(plan, { full: flags.full === true })}\n\n${next(plan)}`);
  const grave = plan.findings.filter(({ introduced, severity }) => introduced && failOn.includes(severity));
  if (grave.length > 0)
    throw new CliError(`the change brings ${grave.length} finding${grave.length === 1 ? '' : 's'}`, EXIT.refused);
}

async function newPlan(s: Session, flags: Flags): Promise<Plan> {
  const requests = flags.replay === undefined ? {} : { requests: await requestsIn(flags.replay) };
  const more = { save: flags.save, ...(flags.full ? { details: ALL } : {}), ...requests };
  if (!flags.delete) return planOf(documentsOf(s, flags), flags, more);
  if (flags.prune) throw new CliError('give --delete or --prune, not both', EXIT.usage);
  const deletes = targetsOf(s, readDocuments(flags.file ?? []));
  const body = { deletes, ...more, ...(flags.message ? { message: flags.message } : {}) };
  return s.rest.send<Plan>('POST', `${s.meshPath}/plan`, { body });
}

/** What reads requests takes long to load. */
async function requestsIn(file: string): Promise<readonly WrittenRequest[]> {
  const { requestsOf } = await import('../plan/replay.js');
  return requestsOf(file);
}

function parseFailOn(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  if (text === 'warning') return ['warning', 'critical'];
  if (text === 'critical') return ['critical'];
  throw new CliError(`--fail-on ${text}: it must be warning or critical`, EXIT.usage);
}

function next(plan: Plan): string {
  if (changes(plan).length === 0) return 'nothing to change';
  if (plan.id === '') return 'the plan is not kept';
  return `plan ${plan.id} on revision ${plan.revision}, until ${plan.expiresAt}: heddle apply --plan ${plan.id}`;
}
