import { Command } from 'commander';
import { remote, session } from '../command.js';
import { print, printAs, table } from '../output.js';

interface Item {
  readonly id: number;
  readonly kind: string;
  readonly statement: {
    readonly at: string;
    readonly key: string;
    readonly seq?: number;
    readonly revision?: number;
    readonly publicKey?: string;
  };
}

interface Answer {
  readonly items: readonly Item[];
  readonly destinations: readonly {
    readonly destination: string;
    readonly statement: number;
    readonly failures: number;
    readonly error: string;
  }[];
}

const PAGE = 500;

export function auditCheckpointsCommand(): Command {
  const command = new Command('checkpoints').description(
    'show what was signed and where it was sent; with --lines, to be kept for audit verify --checkpoint',
  );
  return remote(command)
    .option('--lines', 'print the signed lines themselves')
    .option('--public-key', 'print the public key that signs now, PEM')
    .action(async (flags: { readonly lines?: boolean; readonly publicKey?: boolean }) => {
      const s = session(flags);
      const items: Item[] = [];
      let destinations: Answer['destinations'] = [];
      for (let size = PAGE; size === PAGE; ) {
        const page = await s.rest.get<Answer>(`/api/v1/audit/checkpoints?limit=${PAGE}&after=${items.at(-1)?.id ?? 0}`);
        items.push(...page.items);
        ({ destinations } = page);
        size = page.items.length;
      }
      if (flags.publicKey) {
        print(items.findLast(({ kind }) => kind === 'key')?.statement.publicKey ?? '');
        return;
      }
      if (flags.lines) {
        for (const { statement } of items) print(JSON.stringify(statement));
        return;
      }
      const newest = items.at(-1)?.id ?? 0;
      printAs(s.format, { items, destinations }, () => `${statements(items)}\n\n${sent(destinations, newest)}`);
    });
}

const statements = (items: readonly Item[]): string =>
  table(
    ['kind', 'at', 'entry', 'revision', 'key'],
    items.map(({ kind, statement: { at, seq, revision, key } }) => [
      kind,
      at,
      `${seq ?? '-'}`,
      `${revision ?? '-'}`,
      key,
    ]),
  );

function sent(destinations: Answer['destinations'], newest: number): string {
  if (destinations.length === 0)
    return 'nothing is sent out of the database (audit.checkpointTo): who owns it can rewrite history unseen';
  const rows = destinations.map(({ destination, statement, failures, error }) => [
    destination,
    statement >= newest ? 'all' : `${statement} of ${newest}`,
    failures > 0 ? `${failures} failures: ${error}` : '',
  ]);
  return table(['destination', 'sent', ''], rows);
}
