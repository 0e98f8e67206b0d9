import { Command } from 'commander';
import type { HistoryItem } from '#libs/api';
import { revisionIn } from '../change-id.js';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { printAs, table } from '../output.js';
import { type PastFlags, pastQuery, touchedLines } from '../past.js';

interface Flags extends PastFlags {
  readonly limit?: string;
  readonly before?: string;
}

export function historyCommand(): Command {
  const command = new Command('history').description(
    'show who changed what, newest first, and how far it was delivered',
  );
  return remote(command)
    .argument('[resource]', 'only changes of this one: KIND/name, such as service/orders')
    .option('--limit <n>', 'at most so many changes', '20')
    .option('--before <change>', 'only changes older than this one: c-42')
    .option('--actor <name>', 'only changes by this actor')
    .option('--since <time>', 'only since then: 2026-11-23T14:02:00Z, or 2h, 7d')
    .option('--until <time>', 'only before then')
    .action(async (resource: string | undefined, flags: Flags) => {
      const s = session(flags);
      const query = pastQuery(s, flags, resource);
      query.set('limit', `${wholeNumber('--limit', flags.limit ?? '20', { min: 1, max: 500 })}`);
      query.set('delivery', 'true');
      if (flags.before !== undefined) query.set('before', before(flags.before));
      const answer = await s.rest.get<{ items: HistoryItem[] }>(`${s.meshPath}/history?${query}`);
      const rows = answer.items.map((entry) => [
        entry.change,
        entry.at,
        entry.actor,
        entry.reverts === undefined ? entry.message : `${entry.message} (takes back ${entry.reverts})`,
        touchedLines(entry.items, entry.hidden),
        delivered(entry),
      ]);
      printAs(s.format, answer, () => table(['change', 'at', 'by', 'message', 'what', 'delivery'], rows));
    });
}

function delivered({ delivery }: HistoryItem): string {
  if (delivery === undefined) return '-';
  const { state, acked, total, refused } = delivery;
  if (state === 'Delivering') return `${state} ${acked} of ${total}`;
  return state === 'Refused' ? `${state} by ${refused} of ${total}` : state;
}

function before(change: string): string {
  const revision = revisionIn(change);
  if (revision !== undefined) return `${revision}`;
  throw new CliError(`--before ${change}: write a change, such as c-42`, EXIT.usage);
}
