/**
 * Golden files: a case is a file or a folder, not code. `UPDATE_GOLDENS=1` writes what the code produces and deletes what
 * no case produces any more; without it every difference and every orphan fails.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

const GOLDEN = '.golden.yaml';
const WHY = '# why: ';

type Produced = Readonly<Record<string, unknown>>;

export interface GoldenOptions {
  /** Name of the suite in the report. */
  readonly title: string;
  /** Absolute path of the directory with the cases. */
  readonly directory: string;
  /** `folders`: a case is `<case>/input.yaml`. `files`: a case is `<case>.yaml`; its goldens stand beside it. */
  readonly layout: 'folders' | 'files';
  /** What the case's input makes, by golden: `xds` is kept in `xds.golden.yaml`. Plain data, written as YAML. */
  readonly produce: (input: string) => Produced | Promise<Produced>;
}

interface GoldenCase {
  readonly name: string;
  readonly input: string;
  /** Path of the golden of a name. */
  readonly golden: (name: string) => string;
  /** Goldens that are there. */
  readonly present: () => readonly string[];
}

/** Declares one test per case, and one that no golden is left over. */
export function goldenSuite(options: GoldenOptions): void {
  describe(options.title, () => {
    const cases = options.layout === 'folders' ? folderCases(options.directory) : fileCases(options.directory);
    it('has cases', () => expect(cases.length).toBeGreaterThan(0));
    it.each(cases.map((each) => [each.name, each] as const))('%s', (_, each) => checkCase(each, options.produce));
    it('has no goldens without a case', () => expect(strayGoldens(options, cases)).toEqual([]));
  });
}

/** True when goldens are to be written. Refused in CI, where they are the reference. */
function updating(): boolean {
  const update = process.env['UPDATE_GOLDENS'] === '1';
  if (update && process.env['CI'])
    throw new Error('UPDATE_GOLDENS is refused when CI is set: goldens are written by people and reviewed');
  return update;
}

async function checkCase(each: GoldenCase, produce: GoldenOptions['produce']): Promise<void> {
  const input = readFileSync(each.input, 'utf8');
  expect(input.startsWith(WHY), `${each.input} must begin with "${WHY}" and say what the case shows`).toBe(true);
  const wanted = new Map(
    Object.entries(await produce(input)).map(([name, value]) => [each.golden(name), print(value)]),
  );
  if (updating()) {
    for (const [path, content] of wanted) writeFileSync(path, content);
    for (const path of each.present()) if (!wanted.has(path)) rmSync(path);
  }
  for (const [path, content] of wanted) {
    expect(content, `${path}; UPDATE_GOLDENS=1 rewrites it`).toBe(
      existsSync(path) ? readFileSync(path, 'utf8') : '(no such file)',
    );
  }
  expect([...each.present()].sort(), 'goldens of the case').toEqual([...wanted.keys()].sort());
}

const print = (value: unknown): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

const entries = (directory: string) =>
  readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));

function folderCases(directory: string): readonly GoldenCase[] {
  return entries(directory)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const folder = join(directory, name);
      return {
        name,
        input: join(folder, 'input.yaml'),
        golden: (golden) => join(folder, `${golden}${GOLDEN}`),
        present: () => goldensIn(folder),
      };
    });
}

function fileCases(directory: string): readonly GoldenCase[] {
  return entries(directory)
    .filter(({ name }) => name.endsWith('.yaml') && !name.endsWith(GOLDEN))
    .map((entry) => {
      const name = basename(entry.name, '.yaml');
      return {
        name,
        input: join(directory, entry.name),
        golden: (golden) => join(directory, `${name}.${golden}${GOLDEN}`),
        present: () => goldensIn(directory).filter((path) => basename(path).split('.')[0] === name),
      };
    });
}

const goldensIn = (directory: string): readonly string[] =>
  entries(directory)
    .filter(({ name }) => name.endsWith(GOLDEN))
    .map(({ name }) => join(directory, name));

/** Goldens in the directory itself that belong to no case; deleted when updating. */
function strayGoldens(options: GoldenOptions, cases: readonly GoldenCase[]): readonly string[] {
  const owned = new Set(cases.flatMap((each) => each.present()));
  const stray = goldensIn(options.directory).filter((path) => !owned.has(path));
  if (!updating()) return stray;
  for (const path of stray) rmSync(path);
  return [];
}
