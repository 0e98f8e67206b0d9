/** `npm run bench:scale`: the query graph at 1,000 and 5,000 services. No Postgres, no clients; each case its own process. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HEADER, printed, type ScaleRow } from './scale-row.js';

const run = promisify(execFile);
type Case = readonly [name: string, services: number, dependencies: number | 'all'];
const CASES: readonly Case[] = [
  ['cold', 1_000, 'all'],
  ['cold', 5_000, 'all'],
  ['cold', 5_000, 50],
  ['changes', 1_000, 'all'],
  ['changes', 5_000, 'all'],
  ['changes', 5_000, 50],
  ['plan', 1_000, 50],
  ['memory', 5_000, 50],
  ['graph', 5_000, 50],
];

/** One case after the other; minutes on a slow machine. @param told gets the rows of each case as they come */
export async function scaleRows(
  cases: readonly Case[],
  told: (rows: readonly ScaleRow[]) => void = () => {},
): Promise<ScaleRow[]> {
  const rows: ScaleRow[] = [];
  for (const [name, services, dependencies] of cases) {
    const script = join(import.meta.dirname, 'scale-case.js');
    const argv = ['--expose-gc', script, name, String(services), String(dependencies)];
    const { stdout } = await run(process.execPath, argv);
    const found = JSON.parse(stdout) as ScaleRow[];
    told(found);
    rows.push(...found);
  }
  return rows;
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(`${HEADER}\n`);
  const rows = await scaleRows(CASES, (found) => process.stdout.write(`${printed(found)}\n`));
  const broken = rows.filter((row) => row.unit === '' && row.must !== undefined && row.p99 > row.must);
  for (const { what, p99, must } of broken)
    process.stdout.write(`counter budget broken: ${what}: ${p99}, must ${must}\n`);
  process.exitCode = broken.length > 0 ? 1 : 0;
}
