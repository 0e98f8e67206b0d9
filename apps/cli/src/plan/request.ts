/** From flags and files to a request for a plan. */
import type { Command } from 'commander';
import type { WrittenRequest } from '#libs/changes';
import { pathOfMesh, type Session } from '../command.js';
import { readDocuments } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
import { inNamespace, labelOf, soleMesh } from '../manifests.js';
import { wholeNumber } from '../numbers.js';
import type { Plan } from './types.js';

export interface PlanFlags {
  readonly file?: readonly string[];
  readonly mesh?: string;
  readonly message?: string;
  readonly prune?: boolean;
  readonly owner?: string;
  readonly includeSecurity?: boolean;
  readonly drainPercent?: string;
}

/** Flags of everything that plans from files. */
export const planFlags = (command: Command): Command =>
  command
    .option('-f, --file <path...>', 'files, directories, or - for standard input; may be repeated')
    .option('--prune', 'the files are all that their owner has: delete what else bears its label heddle.dev/owner')
    .option('--owner <name>', 'whose the files are; default: what their label heddle.dev/owner says')
    .option('--include-security', 'let --prune delete access policies, grants and roles, too');

/** What files say, and the mesh that they are for. */
export interface Documents {
  readonly session: Session;
  readonly sources: readonly string[];
  readonly manifests: readonly unknown[];
  readonly fromInput: boolean;
}

export function documentsOf(session: Session, flags: PlanFlags): Documents {
  const { file = [] } = flags;
  if (file.length === 0) throw new CliError('give the manifests: -f, --file PATH', EXIT.usage);
  const documents = readDocuments(file);
  const mesh = flags.mesh ?? soleMesh(documents) ?? session.context.mesh;
  return {
    session: { ...session, meshPath: pathOfMesh(mesh) },
    sources: documents.map(({ from }) => from),
    manifests: documents.map(({ document }) => inNamespace(document, session.context.namespace)),
    fromInput: file.includes('-'),
  };
}

/** @throws CliError when nobody says whose the files are */
export function pruneOf(
  manifests: readonly unknown[],
  { prune, owner }: PlanFlags,
): { readonly owner: string } | undefined {
  if (!prune) {
    if (owner === undefined) return undefined;
    throw new CliError('--owner goes with --prune', EXIT.usage);
  }
  if (owner !== undefined) return { owner };
  const owners = [...new Set(manifests.flatMap((manifest) => labelOf(manifest, 'heddle.dev/owner') ?? []))];
  const [only] = owners;
  if (only !== undefined && owners.length === 1) return { owner: only };
  throw new CliError(
    owners.length > 1 ? `the files belong to several owners: ${owners.join(', ')}` : 'nothing says whose the files are',
    EXIT.usage,
    ['say --owner NAME: what it names is labelled heddle.dev/owner=NAME, and what else bears that label is deleted'],
  );
}

export async function planOf(
  documents: Documents,
  flags: PlanFlags,
  more: { readonly save: boolean; readonly details?: number; readonly requests?: readonly WrittenRequest[] },
): Promise<Plan> {
  const { session, sources, manifests } = documents;
  const prune = pruneOf(manifests, flags);
  const drainPercent =
    flags.drainPercent === undefined
      ? {}
      : { drainPercent: wholeNumber('--drain-percent', flags.drainPercent, { min: 0, max: 100 }) };
  return session.rest.send<Plan>('POST', `${session.meshPath}/plan`, {
    sources,
    body: {
      manifests,
      ...more,
      ...(prune ? { prune } : {}),
      ...(flags.message ? { message: flags.message } : {}),
      ...(flags.includeSecurity ? { includeSecurity: true } : {}),
      ...drainPercent,
    },
  });
}
