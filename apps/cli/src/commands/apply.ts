import { Command } from 'commander';
import { pathOfMesh, remote, type Session, session } from '../command.js';
import { readDocuments } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
import { inNamespace, soleMesh } from '../manifests.js';
import { wholeNumber } from '../numbers.js';
import { printAs, table } from '../output.js';
import { type ChangeProgress, counted, followDelivery, isFinished } from '../progress.js';
import { tell, type Warning } from '../warnings.js';

interface ApplyAnswer {
  readonly change: string;
  readonly revision: number;
  readonly items: readonly {
    readonly op: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  }[];
  readonly warnings: readonly Warning[];
}

interface Flags {
  readonly file: readonly string[];
  readonly mesh?: string;
  readonly message?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout: string;
}

export function applyCommand(): Command {
  const command = new Command('apply').description('create or update resources from manifests, all in one change');
  return remote(command)
    .requiredOption('-f, --file <path...>', 'files, directories, or - for standard input; may be repeated')
    .option('--message <text>', 'why, for the history')
    .option('--dry-run', 'check everything, store nothing')
    .option('--wait', 'wait until every proxy has ACKed the change; exit code 5 if one refuses it, 6 if time is over')
    .option('--timeout <seconds>', 'how long to wait', '60')
    .action((flags: Flags) => run(session(flags), flags));
}

async function run(any: Session, flags: Flags): Promise<void> {
  const seconds = wholeNumber('--timeout', flags.timeout, { min: 1, max: 86_400 });
  const documents = readDocuments(flags.file);
  const s = { ...any, meshPath: pathOfMesh(flags.mesh ?? soleMesh(documents) ?? any.context.mesh) };
  const manifests = documents.map(({ document }) => inNamespace(document, s.context.namespace));
  const answer = await s.rest.send<ApplyAnswer>('POST', `${s.meshPath}/apply`, {
    sources: documents.map(({ from }) => from),
    body: {
      manifests,
      ...(flags.message ? { message: flags.message } : {}),
      ...(flags.dryRun ? { dryRun: true } : {}),
    },
  });
  tell(answer.warnings);
  const progress = flags.wait && answer.change ? await followDelivery(s, answer.change, seconds * 1000) : undefined;
  printAs(s.format, progress ? { ...answer, delivery: progress } : answer, () => report(answer, flags, progress));
  if (progress) requireDelivered(progress, seconds);
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

function report(answer: ApplyAnswer, flags: Flags, progress: ChangeProgress | undefined): string {
  const rows = answer.items.map((item) => [item.op, item.kind, item.namespace, item.name]);
  const outcome = flags.dryRun
    ? 'nothing was stored (--dry-run)'
    : answer.change
      ? `change ${answer.change}`
      : 'nothing to change';
  const delivery = progress ? `\n${counted(progress)} have it (${progress.elapsedMs} ms)` : '';
  return `${table(['', 'kind', 'namespace', 'name'], rows)}\n\n${outcome}${delivery}`;
}
