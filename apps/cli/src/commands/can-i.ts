import { Command } from 'commander';
import { RUNTIME_KINDS, VERBS } from '#libs/model/names';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { print, printAs } from '../output.js';

interface Answer {
  readonly allowed: boolean;
  /** What permits it. */
  readonly by?: string;
  readonly limited?: string;
  readonly reason?: string;
}

export function canICommand(): Command {
  const command = new Command('can-i').description(
    'ask whether the token permits something; exit code 1 if it does not',
  );
  return remote(command)
    .argument('<verb>', `one of: ${VERBS.join(', ')}`)
    .argument('<kind[/name]>', `a kind, plural or short name; or ${RUNTIME_KINDS.join(', ')}`)
    .option('-A, --all-namespaces', 'in every namespace')
    .action(async (verb: string, what: string, flags: { readonly allNamespaces?: boolean }) => {
      const s = session(flags);
      const [kind = '', ...name] = what.split('/');
      const query = new URLSearchParams({
        verb,
        kind,
        ...(flags.allNamespaces ? {} : { namespace: s.context.namespace }),
        ...(name.length > 0 ? { name: name.join('/') } : {}),
      });
      const answer = await s.rest.get<Answer>(`${s.meshPath}/can-i?${query}`);
      if (s.format !== 'table') printAs(s.format, answer, () => '');
      else if (answer.allowed) print(`yes, by ${answer.by}`);
      if (answer.allowed) return;
      throw new CliError(
        'no',
        EXIT.refused,
        [answer.reason, answer.limited].flatMap((line) => line ?? []),
      );
    });
}
