import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { parse } from 'yaml';
import { pathOfMesh, remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { readText } from '../files.js';
import { subjectOf } from '../manifests.js';
import { note } from '../output.js';
import { deliveryFlags } from '../plan/deliver.js';
import { ManifestFile } from '../yaml/file.js';
import { withField } from '../yaml/path.js';
import { storedManifest } from '../yaml/stored.js';
import { type ApplyFlags, applyFiles } from './apply.js';

interface Flags extends Omit<ApplyFlags, 'file'> {
  readonly file: string;
  readonly set?: readonly string[];
  readonly pull?: boolean;
}

const HELP = `
The order of fields, comments and style of the file stay as they are. Without --set or --pull your editor is opened
(VISUAL, EDITOR). What changed is then planned and applied, as by heddle apply.

Examples:
  heddle edit -f split.yaml --set 'spec.rules[0].backendRefs[orders:8080/green].weight=20' --yes
  heddle edit -f split.yaml --pull      take over what somebody has changed in the mesh`;

export function editCommand(): Command {
  const command = new Command('edit').description(
    'change a local file of manifests and apply it, keeping its comments',
  );
  return deliveryFlags(remote(command))
    .requiredOption('-f, --file <path>', 'the file')
    .option('--set <path=value...>', 'set a field, by its path as plans print it; the value is YAML')
    .option('--pull', 'bring the file up to date with what the mesh has instead of applying it')
    .option('--message <text>', 'why, for the history')
    .addHelpText('after', HELP)
    .action((flags: Flags) => run(session(flags), flags));
}

async function run(s: Session, flags: Flags): Promise<void> {
  const { file: path } = flags;
  const file = new ManifestFile(path, readText(path));
  if (flags.pull) return pull({ ...s, meshPath: pathOfMesh(s.context.mesh) }, path, file);
  if (flags.set) {
    if (setFields(file, flags.set)) writeFileSync(path, file.text);
    else note(`${path} says that already`);
  } else openEditor(path);
  return applyFiles(s, { ...flags, file: [path] });
}

function setFields(file: ManifestFile, assignments: readonly string[]): boolean {
  const [value, ...others] = file.values;
  if (others.some((other) => other !== null))
    throw new CliError('--set: the file holds several documents; edit it instead', EXIT.usage);
  const wanted = assignments.reduce((before, assignment) => {
    const at = assignment.indexOf('=', assignment.lastIndexOf(']') + 1);
    if (at < 1) throw new CliError(`--set ${assignment}: write path=value`, EXIT.usage);
    return withField(before, assignment.slice(0, at), parse(assignment.slice(at + 1)));
  }, value);
  return file.set(0, wanted);
}

async function pull(s: Session, path: string, file: ManifestFile): Promise<void> {
  let changed = 0;
  for (const [index, value] of file.values.entries()) {
    const subject = subjectOf(value);
    if (!subject) continue;
    const stored = await storedManifest(s, subject);
    if (stored && file.set(index, { ...(value as object), ...takenOver(value, stored) })) changed += 1;
  }
  if (changed > 0) writeFileSync(path, file.text);
  note(changed > 0 ? `${path} is up to date now: ${changed} of its documents differed` : `${path} is up to date`);
}

/** What others may have changed; how the file names the resource stays. */
function takenOver(
  value: unknown,
  stored: { readonly metadata: Readonly<Record<string, unknown>>; readonly spec: unknown },
): object {
  const { metadata = {} } = value as { readonly metadata?: object };
  const { labels: _labels, annotations: _annotations, ...own } = metadata as Record<string, unknown>;
  const { labels, annotations } = stored.metadata;
  return {
    metadata: { ...own, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    spec: stored.spec,
  };
}

function openEditor(path: string): void {
  if (!process.stdin.isTTY) throw new CliError('this is no terminal: say what to change with --set', EXIT.usage);
  const [command = 'vi', ...args] = (process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi')
    .split(/\s+/)
    .filter(Boolean);
  const { error, status } = spawnSync(command, [...args, path], { stdio: 'inherit' });
  if (error) throw new CliError(`the editor ${command} cannot be started: set EDITOR`, EXIT.usage);
  if (status !== 0) throw new CliError(`the editor ended with code ${status}: nothing was applied`, EXIT.refused);
}
