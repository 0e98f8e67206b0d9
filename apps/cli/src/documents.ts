import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CliError, EXIT } from './exit-codes.js';

export interface SourceDocument {
  /** `shop.yaml` or `-`, with the number of the document when there are several. */
  readonly from: string;
  readonly document: unknown;
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/** Reads manifests from a file, every file of a directory (by name, with its subdirectories), or standard input (`-`). */
export function readDocuments(path: string): SourceDocument[] {
  if (path === '-') return parseText(readFileSync(0, 'utf8'), '-');
  try {
    if (!statSync(path).isDirectory()) return parseText(readFileSync(path, 'utf8'), path);
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, EXIT.usage);
  }
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => EXTENSIONS.has(extname(file)))
    .sort();
  if (files.length === 0) throw new CliError(`${path} holds no .yaml, .yml or .json file`, EXIT.usage);
  return files.flatMap((file) => parseText(readFileSync(join(path, file), 'utf8'), join(path, file)));
}

function parseText(text: string, from: string): SourceDocument[] {
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  const list = Array.isArray(documents) ? documents : [];
  const broken = list.flatMap((document) => document.errors.map((error) => `${from}: ${error.message}`));
  if (broken.length > 0) throw new CliError('not valid YAML', EXIT.refused, broken);
  return list
    .map((document, index) => ({
      from: list.length > 1 ? `${from} (document ${index + 1})` : from,
      document: document.toJS({ maxAliasCount: 100 }) as unknown,
    }))
    .filter(({ document }) => document !== null && document !== undefined);
}
