import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type Document, parseAllDocuments, type YAMLParseError } from 'yaml';
import { CliError, EXIT } from './exit-codes.js';
import { readText, unreadable } from './files.js';

export interface SourceDocument {
  /** `shop.yaml` or `-`, with the number of the document when there are several. */
  readonly from: string;
  readonly document: unknown;
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/**
 * Reads manifests from files, every file of directories (by name, with their subdirectories), and standard input (`-`),
 * in the order of `paths`.
 * @throws CliError when something cannot be read, is no YAML, or when one of `paths` holds no document at all: a script
 * that was given nothing by mistake must not look as if it had succeeded.
 */
export function readDocuments(paths: readonly string[]): SourceDocument[] {
  const sources = paths.map((path) => ({ path, texts: filesOf(path).map((from) => ({ from, text: readText(from) })) }));
  const parsed = sources.map(({ path, texts }) => ({
    path,
    files: texts.map(({ from, text }) => parseText(text, from)),
  }));
  const [first, ...others] = parsed.flatMap(({ files }) => files.flatMap(({ problem }) => problem ?? []));
  if (first !== undefined) throw new CliError(first, EXIT.refused, others);
  return parsed.flatMap(({ path, files }) => {
    const documents = files.flatMap((file) => file.documents);
    if (documents.length > 0) return documents;
    throw new CliError(`${path === '-' ? 'standard input' : path} holds no document`, EXIT.refused);
  });
}

function filesOf(path: string): string[] {
  if (path === '-') return [path];
  try {
    if (!statSync(path).isDirectory()) return [path];
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((file) => EXTENSIONS.has(extname(file)))
      .map((file) => join(path, file))
      .filter((file) => !statSync(file).isDirectory())
      .sort();
    if (files.length > 0) return files;
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new CliError(`${path} holds no .yaml, .yml or .json file`, EXIT.refused);
}

interface Parsed {
  readonly documents: readonly SourceDocument[];
  /** The first error: those after it are mostly its consequences. */
  readonly problem?: string;
}

function parseText(text: string, from: string): Parsed {
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  const list: readonly Document[] = Array.isArray(documents) ? documents : [];
  const error = list.flatMap((document) => document.errors)[0];
  if (error) return { documents: [], problem: syntaxError(from, error) };
  try {
    return { documents: valuesOf(list, from) };
  } catch (failure) {
    // An alias without an anchor, or so many that they would fill the memory.
    if (!(failure instanceof ReferenceError)) throw failure;
    return { documents: [], problem: `${from}: ${failure.message}` };
  }
}

const valuesOf = (list: readonly Document[], from: string): SourceDocument[] =>
  list
    .map((document, index) => ({
      from: list.length > 1 ? `${from} (document ${index + 1})` : from,
      document: document.toJS({ maxAliasCount: 100 }) as unknown,
    }))
    .filter(({ document }) => document !== null && document !== undefined);

/** `file:line:column: words`, as compilers and editors know it. */
function syntaxError(from: string, error: YAMLParseError): string {
  const [at] = error.linePos ?? [];
  return `${from}${at ? `:${at.line}:${at.col}` : ''}: ${yamlWords(error)}`;
}

/** The words of the parser without the place, which it appends together with an excerpt. */
const yamlWords = (error: Error): string =>
  (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
