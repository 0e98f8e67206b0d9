import { Command } from 'commander';
import type { QuarantineView } from '#libs/api';
import type { ResourceId } from '#libs/model';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { findKind } from '../kinds.js';
import { printAs, table } from '../output.js';

export function quarantineCommand(): Command {
  const command = new Command('quarantine').description(
    'what is not served as it was written: resources that cannot be evaluated, contents that proxies die of',
  );
  command.addCommand(list());
  command.addCommand(release());
  return command;
}

export const readQuarantine = (s: Session): Promise<QuarantineView> =>
  s.rest.get<QuarantineView>(`${s.meshPath}/quarantine`);

function list(): Command {
  return remote(new Command('list').description('show what is in quarantine, and what is served instead')).action(
    async (flags: object) => {
      const s = session(flags);
      const answer = await readQuarantine(s);
      printAs(s.format, answer, () => report(answer));
    },
  );
}

function report({ items, contents, hidden }: QuarantineView): string {
  const resources = items.map((item) => [printed(item), `r${item.badRevision}`, served(item), item.at, item.reason]);
  const died = contents.map((one) => [
    `${one.type.split('.').at(-1)} ${one.name}`,
    one.everywhere ? 'everybody' : 'those who died of it',
    one.proxies.join('\n'),
    one.at,
    one.id,
  ]);
  return [
    ...(resources.length > 0 || died.length === 0
      ? [table(['resource', 'bad', 'served', 'since', 'why'], resources)]
      : []),
    ...(died.length > 0 ? [table(['content', 'held back from', 'died of it', 'since', 'id'], died)] : []),
    ...(hidden > 0 ? [`and ${hidden} more that you may not see`] : []),
  ].join('\n\n');
}

const printed = ({ kind, namespace, name }: ResourceId): string => `${kind} ${namespace ? `${namespace}/` : ''}${name}`;
const served = ({ useRevision }: QuarantineView['items'][number]): string =>
  useRevision === 0 ? 'none' : `r${useRevision}`;

/** One line for each, for the status. */
export const quarantineLines = ({ items, contents }: QuarantineView): readonly string[] => [
  ...items.map(
    (item) => `${printed(item)} is in quarantine: r${item.badRevision} cannot be evaluated, ${served(item)} is served`,
  ),
  ...contents.map(
    ({ name, hosts, everywhere }) =>
      `${name} is held back from ${everywhere ? 'everybody' : 'those who died of it'}: proxies died of it on ${hosts.join(', ')}`,
  ),
];

function release(): Command {
  return remote(
    new Command('release').description('try again what is in quarantine; what is still bad comes back within seconds'),
  )
    .argument('<what>', 'KIND/name, such as retrypolicy/orders, or an id of heddle quarantine list')
    .action(async (what: string, flags: object) => {
      const s = session(flags);
      const id = idOf(s, await readQuarantine(s), what);
      await s.rest.send('DELETE', `${s.meshPath}/quarantine/${encodeURIComponent(id)}`);
      printAs(
        s.format,
        { released: what },
        () => `released ${what}: heddle quarantine list shows whether it comes back`,
      );
    });
}

function idOf(s: Session, { items, contents }: QuarantineView, what: string): string {
  const [, kindName, name] = /^([^/]+)\/(.+)$/.exec(what) ?? [];
  if (kindName === undefined || name === undefined) {
    const known = [...items.map(({ uid }) => uid), ...contents.map(({ id }) => id)];
    if (known.includes(what)) return what;
    throw new CliError(`nothing with the id ${what} is in quarantine`, EXIT.notFound);
  }
  const { kind, scope } = findKind(kindName);
  const namespace = scope === 'mesh' ? '' : s.context.namespace;
  const found = items.find((item) => item.kind === kind && item.namespace === namespace && item.name === name);
  if (found) return found.uid;
  throw new CliError(`${kind} ${namespace ? `${namespace}/` : ''}${name} is not in quarantine`, EXIT.notFound);
}
