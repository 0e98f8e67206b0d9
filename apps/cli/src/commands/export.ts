import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { remote, type Session, session } from '../command.js';
import { readText } from '../files.js';
import { kinds } from '../kinds.js';
import { note, print } from '../output.js';
import { parseSelector } from '../selector.js';
import { ManifestFile, printManifest } from '../yaml/file.js';
import { asWritten, type StoredManifest } from '../yaml/stored.js';
import { all, collectionPath } from './get.js';

interface Flags {
  readonly dir?: string;
  readonly selector?: string;
  readonly output: string;
}

const HELP = `
What is written can be applied again, and is unchanged then. Instances and tokens are no manifests. A file of --dir that is
there already keeps the order of its fields and its comments; none is deleted.`;

export function exportCommand(): Command {
  const command = new Command('export').description('write everything that a mesh holds as manifests');
  return remote(command)
    .option('-l, --selector <labels>', 'only what has these labels: a=b,c=d')
    .option('--dir <directory>', 'a file for each resource: <namespace>/<kind>.<name>.yaml')
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      const s = session(flags);
      parseSelector(flags.selector ?? '');
      const manifests = await everything(s, flags.selector);
      if (flags.dir !== undefined) writeFiles(flags.dir, manifests);
      else if (s.format === 'json') print(JSON.stringify(manifests, null, 2));
      else print(manifests.map(printManifest).join('---\n'));
    });
}

async function everything(s: Session, selector: string | undefined): Promise<readonly StoredManifest[]> {
  const lists = await Promise.all(
    kinds().kinds.map((kind) => all<Parameters<typeof asWritten>[0]>(s, collectionPath(s, kind, true), selector)),
  );
  // The list of meshes is of all of them; this is the export of one.
  return lists
    .flat()
    .map(asWritten)
    .filter(({ kind, metadata }) => kind !== 'Mesh' || metadata['name'] === s.context.mesh);
}

function writeFiles(directory: string, manifests: readonly StoredManifest[]): void {
  let written = 0;
  for (const manifest of manifests) {
    const { name, namespace = '' } = manifest.metadata;
    const path = join(directory, String(namespace), `${manifest.kind.toLowerCase()}.${String(name)}.yaml`);
    const before = existsSync(path) ? readText(path) : undefined;
    const after = before === undefined ? printManifest(manifest) : updated(path, before, manifest);
    if (after === before) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, after);
    written += 1;
  }
  note(`${manifests.length} resources, ${written} files written in ${directory}`);
}

function updated(path: string, before: string, manifest: StoredManifest): string {
  const file = new ManifestFile(path, before);
  file.set(0, manifest);
  return file.text;
}
