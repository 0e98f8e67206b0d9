import { Command } from 'commander';
import { remote, session } from '../command.js';
import { printAs, table } from '../output.js';

interface Me {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly groups: readonly string[];
  readonly meshes: readonly string[];
  readonly expiresAt: string;
  readonly bindings: readonly {
    readonly mesh: string;
    readonly binding: string;
    readonly role: string;
    readonly namespaces: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
}

export function whoamiCommand(): Command {
  return remote(new Command('whoami').description('show who the token is, its role and what is bound to it')).action(
    async (flags: object) => {
      const s = session(flags);
      const me = await s.rest.get<Me>('/api/v1/whoami');
      printAs(s.format, me, () => report(me, s.context.server));
    },
  );
}

const listed = (names: readonly string[], none: string): string => (names.length > 0 ? names.join(', ') : none);

const labels = (pairs: Readonly<Record<string, string>>): string =>
  listed(
    Object.entries(pairs).map(([key, value]) => `${key}=${value}`),
    'every object',
  );

function report(me: Me, server: string): string {
  const facts = [
    ['server', server],
    ['token', `${me.name} (${me.id})`],
    ['role', me.role],
    ['groups', listed(me.groups, 'none')],
    ['meshes', listed(me.meshes, 'every one')],
    ['valid until', me.expiresAt],
  ];
  const width = Math.max(...facts.map(([name = '']) => name.length));
  const lines = facts.map(([name = '', value]) => `${name.padEnd(width)}  ${value}`);
  const rows = me.bindings.map((one) => [
    one.mesh,
    one.binding,
    one.role,
    listed(one.namespaces, 'every one'),
    labels(one.labels),
  ]);
  const bound = rows.length > 0 ? ['', table(['mesh', 'binding', 'role', 'namespaces', 'labels'], rows)] : [];
  return [...lines, ...bound].join('\n');
}
