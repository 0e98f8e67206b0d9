import { Command } from 'commander';
import { remote, session } from '../command.js';
import { wholeNumber } from '../numbers.js';
import { printAs, table } from '../output.js';

interface Failure {
  readonly minute: string;
  readonly peer: string;
  readonly count: number;
}

export function auditFailuresCommand(): Command {
  const command = new Command('failures').description('show failed logins by minute and address, newest first');
  return remote(command)
    .option('--limit <n>', 'at most so many lines', '50')
    .action(async (flags: { readonly limit?: string }) => {
      const s = session(flags);
      const limit = wholeNumber('--limit', flags.limit ?? '50', { min: 1, max: 500 });
      const answer = await s.rest.get<{ items: Failure[] }>(`/api/v1/audit/access-failures?limit=${limit}`);
      const rows = answer.items.map(({ minute, peer, count }) => [minute, peer || '(others)', String(count)]);
      printAs(s.format, answer, () => table(['minute', 'address', 'failed logins'], rows));
    });
}
