import Table from 'cli-table3';
import { stringify } from 'yaml';
import { CliError, EXIT } from './exit-codes.js';
import { terminalWidth } from './terminal.js';

export type Format = 'table' | 'json' | 'yaml';

export function parseFormat(text: string): Format {
  if (text === 'table' || text === 'json' || text === 'yaml') return text;
  throw new CliError(`--output ${text}: it must be table, json or yaml`, EXIT.usage);
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** For people, and never on standard output, which belongs to the answer. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints a value for programs, or through `table` for people. */
export function printAs(format: Format, value: unknown, table: () => string): void {
  if (format === 'json') print(JSON.stringify(value, null, 2));
  else if (format === 'yaml') print(stringify(value));
  else print(table());
}

/** A table without lines: it can be read, cut and pasted. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '(none)';
  const none = '';
  const chars = {
    top: none,
    'top-mid': none,
    'top-left': none,
    'top-right': none,
    bottom: none,
    'bottom-mid': none,
    'bottom-left': none,
    'bottom-right': none,
    left: none,
    'left-mid': none,
    mid: none,
    'mid-mid': none,
    right: none,
    'right-mid': none,
    middle: '  ',
  };
  const widths = fittingWidths(head, rows, terminalWidth());
  const grid = new Table({
    head: head.map((text) => text.toUpperCase()),
    chars,
    ...(widths ? { colWidths: widths } : {}),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) grid.push(row.map(printable));
  return grid.toString();
}

const GAP = 2;
/** Narrower than this a column says nothing. */
const LEAST = 8;

/** Widths of columns that fit into the terminal, the widest giving way first; undefined = they fit as they are, or nobody looks. */
export function fittingWidths(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  terminal: number | undefined,
): number[] | undefined {
  if (terminal === undefined) return undefined;
  const longest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => longest(row[i] ?? ''))));
  const room = terminal - GAP * (head.length - 1);
  const needed = (): number => widths.reduce((sum, width) => sum + width, 0);
  if (needed() <= room) return undefined;
  for (let over = needed() - room; over > 0; over -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= LEAST) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** Texts from proxies and users may hold control characters, which a terminal would obey (SEC-12). */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ');
}
