import { open } from 'node:fs/promises';
import { Command } from 'commander';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note } from '../output.js';

/** Type of an export's last line: without it the export is not whole. */
const END = 'heddle-audit-end/v1';

export function auditExportCommand(): Command {
  const command = new Command('export').description(
    'write the whole audit chain as JSON Lines, with keys and checkpoints',
  );
  return remote(command)
    .option('-f, --file <file>', 'a new file to write to, - for standard output', '-')
    .action(async (flags: { readonly file: string }) => {
      const s = session(flags);
      const file = await target(flags.file);
      let last = '';
      let count = 0;
      for await (const line of s.rest.lines('GET', '/api/v1/audit/export')) {
        await file.write(`${line}\n`);
        last = line;
        count += 1;
      }
      await file.close();
      if ((JSON.parse(last || '{}') as { type?: string }).type !== END)
        throw new CliError('the export was cut off: it is not whole', EXIT.unreachable, ['export it again']);
      note(`${count} lines; check them with: heddle audit verify --export FILE --public-key FILE`);
    });
}

interface Target {
  write(text: string): Promise<unknown>;
  close(): Promise<void>;
}

/** A file that is there is not written over: it may be the only copy of what was. */
async function target(path: string): Promise<Target> {
  if (path !== '-') {
    const file = await open(path, 'wx', 0o600);
    return { write: (text) => file.appendFile(text), close: () => file.close() };
  }
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  return { write, close: () => Promise.resolve() };
}
