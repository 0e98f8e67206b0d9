import { Command } from 'commander';
import type { QuarantineView } from '#libs/api';
import type { ProxyStatus, TypeStatus } from '#libs/model';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { printAs, table } from '../output.js';
import { quarantineLines, readQuarantine } from './quarantine.js';

const TYPES = ['CDS', 'EDS', 'LDS', 'SRDS', 'RDS', 'SDS'];

export function statusCommand(): Command {
  const command = new Command('status').description(
    'show every proxy: connected, what it has ACKed, what it refused and why',
  );
  return remote(command).action(async (flags: { readonly namespace?: string }) => {
    const s = session(flags);
    const answer = await s.rest.get<{ items: ProxyStatus[] }>(`${s.meshPath}/proxies`);
    // Of the whole mesh unless asked otherwise: the namespace of a context is for what is written.
    const { namespace } = flags;
    const items = answer.items.filter((proxy) => namespace === undefined || proxy.namespace === namespace);
    const quarantine = await readQuarantine(s).catch(unknownThere);
    printAs(s.format, { items, quarantine }, () =>
      [items.length > 0 ? report(items) : nobody(namespace), ...paragraph(quarantine)].join('\n\n'),
    );
  });
}

/** A control plane of the release before knows of no quarantine. */
function unknownThere(error: unknown): QuarantineView {
  if (error instanceof CliError && error.code === EXIT.notFound) return { items: [], contents: [], hidden: 0 };
  throw error;
}

const paragraph = (quarantine: QuarantineView): readonly string[] => {
  const lines = quarantineLines(quarantine);
  return lines.length > 0 ? [lines.join('\n')] : [];
};

const nobody = (namespace: string | undefined): string =>
  `no proxy is registered${namespace ? ` in ${namespace}` : ''} yet: heddle proxy run or proxy bootstrap`;

function report(items: readonly ProxyStatus[]): string {
  const rows = items.map((proxy) => [
    `${proxy.namespace}/${proxy.instance}`,
    proxy.workload,
    proxy.connected ? (proxy.duplicate ? 'twice' : 'yes') : 'no',
    proxy.routable ? 'yes' : 'no',
    ...TYPES.map((type) => state(proxy.types.find((one) => one.type === type))),
    token(proxy),
    proxy.envoyVersion,
  ]);
  const grid = table(['proxy', 'workload', 'connected', 'routable', ...TYPES, 'token', 'envoy'], rows);
  const refusals = items.flatMap((proxy) =>
    proxy.types.flatMap((type) =>
      type.refused.map(
        (one) => `${proxy.namespace}/${proxy.instance} refuses ${type.type} ${one.name}:\n  ${one.message}`,
      ),
    ),
  );
  return refusals.length > 0 ? `${grid}\n\n${refusals.join('\n')}` : grid;
}

function state(type: TypeStatus | undefined): string {
  if (!type) return '-';
  if (type.state === 'PENDING') return `behind ${(type.behindMs / 1000).toFixed(1)}s`;
  return type.state === 'NACKED' ? 'NACKed' : 'ACKed';
}

function token(proxy: ProxyStatus): string {
  if (proxy.tokenDaysLeft === undefined) return '-';
  const warning = proxy.tokenState === 'ok' ? '' : ` (${proxy.tokenState})`;
  return `${proxy.tokenDaysLeft} d${warning}`;
}
