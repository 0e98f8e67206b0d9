/** A local file of manifests that is changed and written back as its author would have it. */
import { type Document, parseAllDocuments, stringify } from 'yaml';
import { CliError, EXIT } from '../exit-codes.js';
import { mergeInto } from './merge.js';

export class ManifestFile {
  readonly #documents: readonly Document[];
  readonly #style: { readonly lineWidth: 0; readonly indentSeq: boolean; readonly flowCollectionPadding: boolean };
  #text: string;

  /** @throws CliError when it is no YAML */
  constructor(path: string, text: string) {
    const parsed = parseAllDocuments(text, { uniqueKeys: true });
    this.#documents = Array.isArray(parsed) ? parsed : [];
    const error = this.#documents.flatMap(({ errors }) => errors)[0];
    if (error) throw new CliError(`${path}: ${error.message.split('\n')[0] ?? ''}`, EXIT.refused);
    this.#text = text;
    this.#style = {
      lineWidth: 0,
      // As its author writes them.
      indentSeq: !/^( *)[^\s#-][^\n]*:[^\S\n]*\n\1- /m.test(text),
      flowCollectionPadding: !/[{[][^\s}\]]/.test(text) || /[{[] /.test(text),
    };
  }

  /** What the documents say; null for empty ones. */
  get values(): readonly unknown[] {
    return this.#documents.map((document) => document.toJS({ maxAliasCount: 100 }) as unknown);
  }

  /** Makes document number `index` hold a value. @returns whether that changes the file */
  set(index: number, value: unknown): boolean {
    const document = this.#documents[index];
    if (!document || !mergeInto(document, value)) return false;
    this.#text = this.#documents.map((one, i) => this.#print(one, i)).join('');
    return true;
  }

  get text(): string {
    return this.#text;
  }

  #print(document: Document, index: number): string {
    const text = document.toString(this.#style);
    return index > 0 && !text.startsWith('---') ? `---\n${text}` : text;
  }
}

/** A manifest as a file of its own. */
export const printManifest = (manifest: unknown): string =>
  stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false });
