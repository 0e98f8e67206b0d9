import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readDocuments } from './documents.js';
import { CliError, EXIT } from './exit-codes.js';
import { soleMesh } from './manifests.js';

const dir = mkdtempSync(join(tmpdir(), 'heddle-documents-'));
afterAll(() => rmSync(dir, { recursive: true }));

function write(name: string, text: string): string {
  mkdirSync(join(dir, name, '..'), { recursive: true });
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

function refusal(...paths: string[]): CliError {
  try {
    readDocuments(paths);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('reading manifests', () => {
  it('takes files and directories in the order in which they were given', () => {
    write('many/b.yaml', 'n: 2\n---\nn: 3\n');
    write('many/a.json', '{"n": 1}');
    write('many/notes.txt', 'n: 0');
    const documents = readDocuments([write('last.yaml', 'n: 0'), join(dir, 'many')]);
    expect(documents.map(({ document }) => document)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }]);
    expect(documents.map(({ from }) => from.slice(dir.length + 1))).toEqual([
      'last.yaml',
      'many/a.json',
      'many/b.yaml (document 1)',
      'many/b.yaml (document 2)',
    ]);
  });

  it('passes over directories that are called like files, and over empty files beside others', () => {
    write('odd/x.yaml/inner.yaml', 'n: 1');
    write('odd/empty.yaml', '# later\n');
    expect(readDocuments([join(dir, 'odd')])).toHaveLength(1);
  });

  it.each([
    ['an empty file', 'empty.yaml', '', 'empty.yaml holds no document'],
    ['a directory without manifests', 'none/readme.md', '', 'none holds no .yaml, .yml or .json file'],
  ])('refuses %s', (_what, name, text, message) => {
    const path = write(name, text);
    const error = refusal(name.includes('/') ? join(path, '..') : path);
    expect([error.code, error.message]).toEqual([EXIT.refused, expect.stringContaining(message)]);
  });

  it.each([
    ['a: 1\n\tb: 2\n', '2:1: Tabs are not allowed as indentation'],
    ['a: 1\na: 2\n', '2:1: Map keys must be unique'],
    ['{"a": 1', '1:8: Flow map must end with a }'],
  ])('says in one line where %j is no YAML, for a file alone and in a directory', (text, words) => {
    const path = write('broken/x.yaml', text);
    for (const error of [refusal(path), refusal(join(dir, 'broken'))]) {
      expect([error.code, error.message, error.details]).toEqual([EXIT.refused, expect.any(String), []]);
      expect(error.message).toBe(`${path}:${words}`);
    }
  });

  it('refuses aliases that lead nowhere', () => {
    expect(refusal(write('alias.yaml', 'a: *b\n')).message).toMatch(/alias\.yaml.*: Unresolved alias/);
  });
});

describe('the mesh that manifests are for', () => {
  const mesh = (name: string) => ({ from: '-', document: { kind: 'Mesh', metadata: { name } } });
  const other = { from: '-', document: { kind: 'Service', metadata: { name: 'web' } } };

  it.each([
    ['a mesh alone', [mesh('second')], 'second'],
    ['a mesh with something else', [mesh('second'), other], undefined],
    ['two meshes', [mesh('second'), mesh('third')], undefined],
    ['what is no manifest', [{ from: '-', document: [1] }], undefined],
  ])('of %s is %s', (_what, documents, name) => {
    expect(soleMesh(documents)).toBe(name);
  });
});
