import { Command } from 'commander';
import { remote, session } from '../command.js';
import { wholeNumber } from '../numbers.js';
import { printAs, table } from '../output.js';

interface Entry {
  readonly change: string;
  readonly at: string;
  readonly actor: string;
  readonly message: string;
  readonly items: readonly {
    readonly op: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  }[];
}

export function historyCommand(): Command {
  const command = new Command('history').description('show who changed what, newest first');
  return remote(command)
    .option('--limit <n>', 'at most so many changes', '20')
    .action(async (flags: Record<string, string>) => {
      const s = session(flags);
      const answer = await s.rest.get<{ items: Entry[] }>(
        `${s.meshPath}/history?limit=${wholeNumber('--limit', flags['limit'] ?? '20', { min: 1, max: 500 })}`,
      );
      const rows = answer.items.map((entry) => [
        entry.change,
        entry.at,
        entry.actor,
        entry.message,
        entry.items
          .map((item) => `${item.op} ${item.kind} ${item.namespace ? `${item.namespace}/` : ''}${item.name}`)
          .join('\n'),
      ]);
      printAs(s.format, answer, () => table(['change', 'at', 'by', 'message', 'what'], rows));
    });
}
