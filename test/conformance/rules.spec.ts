import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DOCS = join(ROOT, 'docs/rules');
const TESTED = [
  'test/conformance',
  ...['xds', 'compiler', 'launcher', 'identity', 'runtime', 'telemetry'].map((lib) => `libs/${lib}/src`),
];
/** Marks that want a test. */
const PROVEN: ReadonlySet<string> = new Set(['duty', 'program']);

interface Rule {
  readonly id: string;
  readonly mark: string;
  readonly text: string;
}

const RULE = /^- \*\*(?<id>[A-Z]+-\d+)\*\* \((?<mark>duty|program|client|later)\): (?<text>.+)$/s;

/** The rules of a page, and the items that look like one and are none. */
function rulesOf(page: string): { readonly rules: Rule[]; readonly unreadable: string[] } {
  const items = page.split(/\n(?=- |\n)/).filter((item) => item.startsWith('- **'));
  const read = items.map((item) => ({ item, groups: RULE.exec(item.trimEnd())?.groups }));
  return {
    rules: read.flatMap(({ groups }) =>
      groups ? [{ id: groups['id'] ?? '', mark: groups['mark'] ?? '', text: groups['text'] ?? '' }] : [],
    ),
    unreadable: read.filter(({ groups }) => !groups).map(({ item }) => item),
  };
}

const pages = readdirSync(DOCS)
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .map((file) => rulesOf(readFileSync(join(DOCS, file), 'utf8')));
const rules = pages.flatMap((page) => page.rules);

/** `it`, `it.each(...)`, `it.skipIf(...)` and the like. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'test';
  return (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) && isTest(callee.expression);
}

/** Titles of the tests in a file, where they are plain text: a row of a table names no rule. */
function titlesOf(path: string, source: string): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    const [title] = ts.isCallExpression(node) && isTest(node.expression) ? node.arguments : [];
    if (title && ts.isStringLiteralLike(title)) titles.push(title.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest));
  return titles;
}

const idsOf = (title: string): string[] => title.match(/\b[A-Z]{2,}-\d+\b/g) ?? [];

/** Titles by the rules that they name. */
function tests(): ReadonlyMap<string, readonly string[]> {
  const byId = new Map<string, string[]>();
  for (const path of TESTED.flatMap((folder) => globSync(`${folder}/**/*.spec.ts`, { cwd: ROOT }))) {
    for (const title of titlesOf(path, readFileSync(join(ROOT, path), 'utf8'))) {
      for (const id of idsOf(title)) byId.set(id, [...(byId.get(id) ?? []), `${path}: ${title}`]);
    }
  }
  return byId;
}

describe('the rules in docs/rules', () => {
  const proven = tests();
  const known = new Set(rules.map(({ id }) => id));

  it('can be read by a script, and stand there once', () => {
    const ids = rules.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(100);
    expect({
      unreadable: pages.flatMap((page) => page.unreadable),
      twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    }).toEqual({ unreadable: [], twice: [] });
  });

  it('have a test each, if they are a duty', () => {
    const without = rules.filter(({ id, mark }) => PROVEN.has(mark) && !proven.has(id));
    expect(without.map(({ id, mark, text }) => `${id} (${mark}) has no test: ${text.replace(/\s+/g, ' ')}`)).toEqual(
      [],
    );
  });

  it('are all there that tests are named after', () => {
    const families = new Set(rules.map(({ id }) => id.split('-')[0]));
    const unknown = [...proven].filter(([id]) => families.has(id.split('-')[0]) && !known.has(id));
    expect(unknown.map(([id, titles]) => `${id} is not in docs/rules: ${titles.join('; ')}`)).toEqual([]);
  });

  it('say what happens today, if they are for later', () => {
    const silent = rules.filter(({ mark, text }) => mark === 'later' && !text.includes('Today: '));
    expect(silent.map(({ id, text }) => `${id}: ${text}`)).toEqual([]);
  });
});

describe('how they are read', () => {
  it('rules with their marks over several lines, and what is none', () => {
    const page =
      '# A\n\n- **GEN-1** (duty): One\n  and a half.\n- **GEN-2** (maybe): Two.\n- **GEN-3** (later): Three.\n\nText.\n';
    const { rules: read, unreadable } = rulesOf(page);
    expect(read.map(({ id, mark }) => `${id} ${mark}`)).toEqual(['GEN-1 duty', 'GEN-3 later']);
    expect(read[0]?.text).toBe('One\n  and a half.');
    expect(unreadable).toEqual(['- **GEN-2** (maybe): Two.']);
  });

  it('titles of tests and of tables, and no other text', () => {
    const source = `
      // it('GEN-1 in a comment', () => {});
      describe('GEN-2 of a group', () => {
        it('GEN-3 GEN-4 two', () => expect('GEN-5').toBe(1));
        it.each([['GEN-6']])('GEN-7 a table', () => {});
        it.skipIf(true)(\`GEN-8 skipped\`, () => {});
        test.each\`a\`('no');
      });`;
    expect(titlesOf('x.spec.ts', source).flatMap(idsOf)).toEqual(['GEN-3', 'GEN-4', 'GEN-7', 'GEN-8']);
  });
});
