import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { readDocuments } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note, printAs, table } from '../output.js';
import { type ChangeProgress, followDelivery } from '../progress.js';
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
  readonly file: string;
  readonly message?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout: string;
}

export function applyCommand(): Command {
  const command = new Command('apply').description('create or update resources from manifests, all in one change');
  return remote(command)
    .requiredOption('-f, --file <path>', 'file, directory, or - for standard input')
    .option('--message <text>', 'why, for the history')
    .option('--dry-run', 'check everything, store nothing')
    .option('--wait', 'wait until every proxy has ACKed the change; exit code 5 if one refuses it')
    .option('--timeout <seconds>', 'how long to wait', '60')
    .action(async (flags: Flags) => run(session(flags), flags));
}

async function run(s: Session, flags: Flags): Promise<void> {
  const documents = readDocuments(flags.file);
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
  const progress =
    flags.wait && answer.change ? await followDelivery(s, answer.change, Number(flags.timeout) * 1000) : undefined;
  printAs(s.format, progress ? { ...answer, delivery: progress } : answer, () => report(answer, flags, progress));
  if (progress && progress.refused.length > 0) {
    throw new CliError(
      `${progress.refused.length} of ${progress.total} proxies refused the change`,
      EXIT.proxyRefused,
      progress.refused.map((one) => `${one.proxy}: ${one.message}`),
    );
  }
}

/** A manifest without a namespace goes to the one of the flag or context; the server does the same with `default`. */
function inNamespace(document: unknown, namespace: string): unknown {
  if (namespace === 'default' || typeof document !== 'object' || document === null || !('metadata' in document))
    return document;
  const { metadata } = document;
  if (typeof metadata !== 'object' || metadata === null || 'namespace' in metadata) return document;
  if ('kind' in document && document.kind === 'Mesh') return document;
  return { ...document, metadata: { ...metadata, namespace } };
}

function report(answer: ApplyAnswer, flags: Flags, progress: ChangeProgress | undefined): string {
  const rows = answer.items.map((item) => [item.op, item.kind, item.namespace, item.name]);
  const outcome = flags.dryRun
    ? 'nothing was stored (--dry-run)'
    : answer.change
      ? `change ${answer.change}`
      : 'nothing to change';
  const delivery = progress
    ? `\n${progress.acked} of ${progress.total} proxies have it (${progress.elapsedMs} ms)`
    : '';
  return `${table(['', 'kind', 'namespace', 'name'], rows)}\n\n${outcome}${delivery}`;
}
