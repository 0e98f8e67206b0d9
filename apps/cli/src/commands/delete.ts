import { Command } from 'commander';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { findKind } from '../kinds.js';
import { printAs } from '../output.js';
import { tell, type Warning } from '../warnings.js';
import { collectionPath } from './get.js';

export function deleteCommand(): Command {
  const command = new Command('delete').description('delete one resource');
  return remote(command)
    .argument('<kind>')
    .argument('<name>')
    .action(async (kindName: string, name: string, flags: Record<string, string>) => {
      const s = session(flags);
      const kind = findKind(kindName);
      if (kind.kind === 'Mesh' && name !== s.context.mesh)
        throw new CliError(`to delete the mesh ${name}, name it with --mesh too`, EXIT.usage);
      const path = kind.kind === 'Mesh' ? s.meshPath : `${collectionPath(s, kind, false)}/${encodeURIComponent(name)}`;
      const answer = await s.rest.send<{ warnings?: Warning[] } | undefined>('DELETE', path);
      tell(answer?.warnings ?? []);
      printAs(
        s.format,
        answer ?? { deleted: name },
        () => `deleted ${kind.kind} ${kind.scope === 'mesh' ? '' : `${s.context.namespace}/`}${name}`,
      );
    });
}
