import { Command } from 'commander';
import { AUDIT_ACTIONS } from '#libs/model/names';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { printAs, table } from '../output.js';
import { type PastFlags, pastQuery, type Touched, touchedLines } from '../past.js';

interface Entry {
  readonly seq: number;
  readonly at: string;
  readonly payload: {
    readonly action: string;
    readonly decision: string;
    readonly actor: { readonly name: string; readonly role: string; readonly ip: string };
    readonly message: string;
    readonly reason?: { readonly code?: string };
    readonly items: readonly Touched[];
    readonly token?: { readonly kind: string; readonly id: string; readonly name?: string };
  };
  /** Further resources, which the caller may not read. */
  readonly hidden?: number;
}

interface Page {
  readonly items: readonly Entry[];
  readonly cursor?: string;
}

interface Flags extends PastFlags {
  readonly limit?: string;
  readonly resource?: string;
  readonly action?: string;
  readonly decision?: string;
  readonly ofServer?: boolean;
}

const PAGE = 500;
const DECISIONS = ['applied', 'refused'];

export function auditSearchCommand(): Command {
  const command = new Command('search').description('show who decided what in a mesh, refusals too, newest first');
  return remote(command)
    .option('--actor <name>', 'only by this actor')
    .option('--resource <resource>', 'only about this one: KIND/name, such as service/orders')
    .option('--action <action>', `only one of: ${AUDIT_ACTIONS.join(', ')}`)
    .option('--decision <decision>', 'only what was applied, or refused')
    .option('--since <time>', 'only since then: 2026-11-23T14:02:00Z, or 2h, 7d')
    .option('--until <time>', 'only before then')
    .option('--of-server', 'what is of no single mesh instead: tokens of the server, cuts of history')
    .option('--limit <n>', 'at most so many entries', '50')
    .action(async (flags: Flags) => {
      const s = session(flags);
      const limit = wholeNumber('--limit', flags.limit ?? '50', { min: 1, max: 100_000 });
      const query = pastQuery(s, flags, flags.resource);
      setOneOf(query, 'action', flags.action, AUDIT_ACTIONS);
      setOneOf(query, 'decision', flags.decision, DECISIONS);
      const items = await entries(s, { path: flags.ofServer ? '/api/v1/audit' : `${s.meshPath}/audit`, query, limit });
      const rows = items.map(({ seq, at, payload, hidden }) => [
        String(seq),
        at,
        `${payload.actor.name} (${payload.actor.role}${payload.actor.ip ? `, ${payload.actor.ip}` : ''})`,
        `${payload.action} ${payload.decision}`,
        tokenLine(payload.token) ?? touchedLines(payload.items, hidden),
        payload.reason?.code ?? payload.message,
      ]);
      printAs(s.format, { items }, () => table(['entry', 'at', 'by', 'decision', 'what', 'why'], rows));
    });
}

function setOneOf(query: URLSearchParams, name: string, value: string | undefined, known: readonly string[]): void {
  if (value === undefined) return;
  if (!known.includes(value)) throw new CliError(`--${name} ${value}: it must be ${known.join(' or ')}`, EXIT.usage);
  query.set(name, value);
}

const tokenLine = (token: Entry['payload']['token']): string | undefined =>
  token && [token.kind, token.id, ...(token.name === undefined ? [] : [`(${token.name})`])].join(' ');

async function entries(
  s: Session,
  { path, query, limit }: { readonly path: string; readonly query: URLSearchParams; readonly limit: number },
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (;;) {
    query.set('limit', String(Math.min(PAGE, limit - found.length)));
    const { items, cursor } = await s.rest.get<Page>(`${path}?${query}`);
    found.push(...items);
    if (cursor === undefined || found.length >= limit) return found;
    query.set('cursor', cursor);
  }
}
