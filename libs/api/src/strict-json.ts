import { err, ok, pointer, type Result, type Violation } from '#libs/kernel';
import { jsonTokens } from './json-tokens.js';

/** Nesting of objects and arrays. */
const MAX_DEPTH = 64;
/** Values and member names of one document. */
const MAX_NODES = 200_000;

/** Names through which a merge could reach a prototype. */
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

interface Frame {
  /** Names seen in this object; undefined = an array. */
  readonly names: Set<string> | undefined;
  /** Name or index of the member that is being read. */
  at: string | number;
  /** In an object: the next string is a name. */
  nameNext: boolean;
}

/**
 * Parses JSON (RFC 8259) and refuses what other parsers would read in another way or what could do harm: a name twice
 * in one object, `__proto__` and its like, numbers beyond a double, text that Postgres cannot hold (NUL, half a
 * surrogate pair), nesting deeper than 64, more than 200,000 values (SEC-37, SEC-39).
 */
export function parseStrictJson(bytes: Uint8Array): Result<unknown, Violation> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return err({ path: '', code: 'malformed-json', message: 'the body is not UTF-8' });
  }
  const deep = tooDeep(text);
  if (deep !== undefined) return err(deep);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return err({ path: '', code: 'malformed-json', message: `the body is not JSON${whereOf(error)}` });
  }
  const violation = scan(text);
  return violation === undefined ? ok(value) : err(violation);
}

/** JSON.parse says where it stopped, but also repeats the text: only the place is kept (SEC-47). */
function whereOf(error: unknown): string {
  const place =
    error instanceof Error ? /at position \d+(?: \(line \d+ column \d+\))?/.exec(error.message)?.[0] : undefined;
  return place === undefined ? '' : ` (${place})`;
}

/** Before parsing: a flood of brackets must cost nothing. */
function tooDeep(text: string): Violation | undefined {
  let depth = 0;
  let nodes = 0;
  for (const token of jsonTokens(text)) {
    nodes += 1;
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    if (depth > MAX_DEPTH) return { path: '', code: 'too-deep', message: `nested deeper than ${MAX_DEPTH}` };
    if (nodes > 2 * MAX_NODES) return { path: '', code: 'too-many-values', message: `more than ${MAX_NODES} values` };
  }
  return undefined;
}

/** Walks text that is known to be JSON. */
function scan(text: string): Violation | undefined {
  const stack: Frame[] = [];
  for (const token of jsonTokens(text)) {
    const violation = step(stack, token);
    if (violation === undefined) continue;
    const path = pointer(...stack.map((frame) => frame.at));
    return { path, ...violation };
  }
  return undefined;
}

type Finding = Omit<Violation, 'path'>;

function step(stack: Frame[], token: string): Finding | undefined {
  const top = stack.at(-1);
  switch (token) {
    case '{':
      stack.push({ names: new Set(), at: '', nameNext: true });
      return undefined;
    case '[':
      stack.push({ names: undefined, at: 0, nameNext: false });
      return undefined;
    case '}':
    case ']':
      stack.pop();
      return undefined;
    case ',':
      if (top !== undefined) advance(top);
      return undefined;
    default:
      return token.startsWith('"') ? readString(top, token) : readNumber(token);
  }
}

function advance(frame: Frame): void {
  if (typeof frame.at === 'number') frame.at += 1;
  else frame.nameNext = true;
}

function readString(top: Frame | undefined, token: string): Finding | undefined {
  const text: string = token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1);
  if (text.includes('\0') || !text.isWellFormed()) {
    return { code: 'invalid-character', message: 'text may not hold NUL or half a surrogate pair' };
  }
  return top?.nameNext && top.names !== undefined ? readName(top, top.names, text) : undefined;
}

function readName(top: Frame, names: Set<string>, name: string): Finding | undefined {
  top.at = name;
  top.nameNext = false;
  if (FORBIDDEN_NAMES.has(name)) return { code: 'forbidden-name', message: 'this member name is not allowed' };
  if (names.has(name)) return { code: 'duplicate-name', message: 'this member stands twice in its object: keep one' };
  names.add(name);
  return undefined;
}

function readNumber(token: string): Finding | undefined {
  if (Number.isFinite(Number(token))) return undefined;
  return { code: 'number-too-large', message: 'the number does not fit into a double' };
}
