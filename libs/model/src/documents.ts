import { type Document, isMap, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { err, ok, type Result, type Violation } from '#libs/kernel';
import { violation } from './issues.js';

/** Longest text that is read, in characters. */
const MAX_LENGTH = 4 * 1024 * 1024;
/** Most nodes that aliases may expand to; more is a bomb, not a manifest. */
const MAX_ALIASES = 100;
/** Deepest nesting that is read: brackets, dashes of one line, and four times as many spaces of indentation. */
const MAX_OPEN = 200;

/** One document of a file. */
export interface TextDocument {
  /** Line of its first value, from 1. */
  readonly line: number;
  /** The value as JSON would have it, or what is wrong with the text. */
  readonly result: Result<unknown, readonly Violation[]>;
  /** Line, from 1, of the value at a JSON pointer, or of the nearest value around it. */
  lineAt(path: string): number;
}

/**
 * Reads YAML 1.2 or JSON, several documents in one text. Duplicate keys are refused (SEC-37), the expansion of aliases
 * is bounded, empty documents are left out. A document that is not readable does not hide the others.
 */
export function parseDocuments(text: string): readonly TextDocument[] {
  if (text.length > MAX_LENGTH) return [unreadable(1, 'too-large', `must have at most ${MAX_LENGTH} characters`)];
  if (opensTooDeep(text)) return [unreadable(1, 'too-deep', `is nested deeper than ${MAX_OPEN} levels`)];
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    merge: false,
  });
  if (!Array.isArray(documents)) return [];
  return documents.filter(saysSomething).map((document) => read(document, lines));
}

/** False for an empty document, as between two `---`. */
const saysSomething = ({ contents, errors }: Document.Parsed): boolean =>
  errors.length > 0 || !(contents === null || (isScalar(contents) && contents.value === null));

function read(document: Document.Parsed, lines: LineCounter): TextDocument {
  const line = lineOf(document.contents?.range[0] ?? document.range[0], lines);
  return { line, result: contentOf(document, lines), lineAt: (path) => lineAt(document, path, lines) };
}

function contentOf(document: Document.Parsed, lines: LineCounter): Result<unknown, readonly Violation[]> {
  if (document.errors.length > 0) {
    return err(
      document.errors.map((error) => {
        const code = error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'syntax';
        return violation([], code, `is not readable at line ${lineOf(error.pos[0], lines)}: ${error.message}`);
      }),
    );
  }
  try {
    return ok(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'an alias cannot be resolved';
    return err([violation([], 'syntax', `is not readable: ${reason}`)]);
  }
}

const lineOf = (offset: number, lines: LineCounter): number => Math.max(1, lines.linePos(offset).line);

/** Walks the pointer as far as the document goes. */
function lineAt(document: Document.Parsed, path: string, lines: LineCounter): number {
  let offset = document.contents?.range[0] ?? document.range[0];
  let node: unknown = document.contents;
  for (const segment of path.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    const next: unknown = isMap(node) ? node.items.find((pair) => String(pair.key) === key) : child(node, key);
    const found = position(next);
    if (found === undefined) break;
    offset = found;
    node = valueNode(next);
  }
  return lineOf(offset, lines);
}

const child = (node: unknown, key: string): unknown =>
  typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)
    ? node.items[Number(key)]
    : undefined;

/** Offset of a pair's key, or of a node. */
function position(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ('key' in node) return position(node.key);
  return 'range' in node && Array.isArray(node.range) && typeof node.range[0] === 'number' ? node.range[0] : undefined;
}

const valueNode = (node: unknown): unknown =>
  typeof node === 'object' && node !== null && 'value' in node && 'key' in node ? node.value : node;

/** The parser recurses; a text that opens more collections than any manifest needs never gets to it. */
function opensTooDeep(text: string): boolean {
  let flow = 0;
  let indent = 0;
  let markers = 0;
  let leading = true;
  for (const character of text) {
    if (character === '\n') [indent, markers, leading] = [0, 0, true];
    else if (leading && character === ' ') indent += 1;
    else if (leading && (character === '-' || character === '?')) markers += 1;
    else leading = false;
    flow += flowStep(character, flow);
    if (flow > MAX_OPEN || markers > MAX_OPEN || indent > 4 * MAX_OPEN) return true;
  }
  return false;
}

/** +1 for an opening bracket, -1 for one that closes. */
function flowStep(character: string, open: number): number {
  if (character === '[' || character === '{') return 1;
  return open > 0 && (character === ']' || character === '}') ? -1 : 0;
}

function unreadable(line: number, code: string, message: string): TextDocument {
  return { line, result: err([violation([], code, message)]), lineAt: () => line };
}
