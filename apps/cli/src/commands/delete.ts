import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { readDocuments, type SourceDocument } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
import { findKind, isInstances } from '../kinds.js';
import { subjectOf } from '../manifests.js';
import { note, printAs } from '../output.js';
import { tell, type Warning } from '../warnings.js';
import { collectionPath } from './get.js';

interface Flags {
  readonly file?: readonly string[];
  readonly message?: string;
}

export interface Target {
  readonly kind: string;
  /** Empty for kinds of the whole mesh. */
  readonly namespace: string;
  readonly name: string;
}

export function deleteCommand(): Command {
  const command = new Command('delete').description(
    'delete one resource, or all that manifests describe in one change',
  );
  return remote(command)
    .argument('[kind]')
    .argument('[name]')
    .option('-f, --file <path...>', 'delete what these files, directories or - (standard input) describe')
    .option('--message <text>', 'why, for the history')
    .action(async (kind: string | undefined, name: string | undefined, flags: Flags) => {
      const s = session(flags);
      if (flags.file) {
        if (kind !== undefined) throw new CliError('give either a kind and a name, or -f', EXIT.usage);
        await removeAll(s, targetsOf(s, readDocuments(flags.file)), flags.message);
      } else if (kind === undefined || name === undefined) {
        throw new CliError('name the kind and the resource, or give -f FILE', EXIT.usage, [
          'example: heddle delete services orders -n shop',
        ]);
      } else if (isInstances(kind)) await removeInstance(s, name, flags);
      else await removeOne(s, { kind, name }, flags);
    });
}

async function removeOne(s: Session, what: { kind: string; name: string }, { message }: Flags): Promise<void> {
  const kind = findKind(what.kind);
  if (kind.kind === 'Mesh' && what.name !== s.context.mesh)
    throw new CliError(`to delete the mesh ${what.name}, name it with --mesh too`, EXIT.usage);
  const target = { kind: kind.kind, namespace: kind.scope === 'mesh' ? '' : s.context.namespace, name: what.name };
  // Only a change of several resources carries a message; deleting a mesh has an address of its own.
  if (message && kind.kind !== 'Mesh') return removeAll(s, [target], message);
  if (message) throw new CliError('--message: the deletion of a mesh takes none', EXIT.usage);
  const path = kind.kind === 'Mesh' ? s.meshPath : `${collectionPath(s, kind, false)}/${encodeURIComponent(what.name)}`;
  const answer = await s.rest.send<{ warnings?: Warning[] } | undefined>('DELETE', path);
  tell(answer?.warnings ?? []);
  printAs(s.format, answer ?? { deleted: what.name }, () => `deleted ${printed(target)}`);
}

async function removeAll(s: Session, targets: readonly Target[], message = ''): Promise<void> {
  const answer = await s.rest.send<{ change: string; warnings: Warning[] }>('POST', `${s.meshPath}/apply`, {
    body: { deletes: targets, ...(message ? { message } : {}) },
  });
  tell(answer.warnings);
  printAs(s.format, answer, () => targets.map((target) => `deleted ${printed(target)}`).join('\n'));
}

/** Instances are registrations and no part of the history. */
async function removeInstance(s: Session, name: string, { message }: Flags): Promise<void> {
  if (message) throw new CliError('--message: instances are no part of the history', EXIT.usage);
  const path = `${s.namespacePath}/instances/${encodeURIComponent(name)}`;
  const answer = await s.rest.send<{ acked: boolean }>('DELETE', path);
  if (!answer.acked) note('not every caller has confirmed yet that it sends nothing there');
  printAs(s.format, answer, () => `deleted Instance ${s.context.namespace}/${name}`);
}

/** What manifests describe, to be deleted. @throws CliError for what is no manifest, and for a mesh */
export function targetsOf(s: Session, documents: readonly SourceDocument[]): Target[] {
  return documents.map(({ from, document }) => {
    const subject = subjectOf(document);
    if (!subject) throw new CliError(`${from}: must be an object with apiVersion, kind, metadata`, EXIT.refused);
    const { kind, scope } = findKind(subject.kind);
    if (kind === 'Mesh')
      throw new CliError(`${from}: delete a mesh by its name: heddle delete mesh NAME`, EXIT.refused);
    return { kind, namespace: scope === 'mesh' ? '' : (subject.namespace ?? s.context.namespace), name: subject.name };
  });
}

const printed = ({ kind, namespace, name }: Target): string => `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
