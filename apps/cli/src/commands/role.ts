import { Command } from 'commander';
import { remote, session } from '../command.js';
import { printAs, table } from '../output.js';

interface Rule {
  readonly verbs: readonly string[];
  readonly kinds?: readonly string[];
  readonly groups?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
}

interface Role {
  readonly name: string;
  readonly builtIn: boolean;
  readonly summary: string;
  readonly rules: readonly Rule[];
  readonly boundBy: readonly string[];
}

export function roleCommand(): Command {
  const command = new Command('role').description('roles: what may be given to API tokens by a RoleBinding');
  command.addCommand(list());
  return command;
}

function list(): Command {
  return remote(
    new Command('list').description(
      'show the built-in roles and those of the mesh, and the RoleBindings that give them',
    ),
  ).action(async (flags: object) => {
    const s = session(flags);
    const answer = await s.rest.get<{ items: Role[] }>(`${s.meshPath}/access/roles`);
    const rows = answer.items.map((role) => [
      role.name,
      role.builtIn ? 'built-in' : 'mesh',
      role.summary || role.rules.map(printed).join('\n'),
      role.boundBy.join(', '),
    ]);
    printAs(s.format, answer, () => table(['role', 'of', 'permits', 'given by'], rows));
  });
}

/** `get, list HTTPRoute, every traffic kind in shop with team=a` */
function printed({ verbs, kinds = [], groups = [], namespaces, names, selector }: Rule): string {
  const what = [...kinds, ...groups.map((group) => `every ${group} kind`)].join(', ');
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    `${verbs.join(', ')} ${what}`,
    ...(names ? [`named ${names.join(', ')}`] : []),
    ...(namespaces ? [`in ${namespaces.join(', ')}`] : []),
    ...(labels.length > 0 ? [`with ${labels.join(', ')}`] : []),
  ].join(' ');
}
