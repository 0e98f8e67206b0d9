import { RE2JS } from 're2js';

/** Longest regular expression that is read, in characters (SEC-40). */
export const MAX_REGEX_LENGTH = 1024;
/** Largest RE2 program that Envoy accepts with the bootstrap's `re2.max_program_size.error_level` (SEC-40). */
export const MAX_REGEX_PROGRAM = 1000;

/**
 * What is wrong with a regular expression in RE2 syntax, as the end of a sentence, or undefined when Envoy will accept
 * it. It is never handed to JavaScript's own RegExp, whose running time is unbounded (SEC-40).
 */
export function regexProblem(text: string): string | undefined {
  if (text.length > MAX_REGEX_LENGTH) return `must have at most ${MAX_REGEX_LENGTH} characters; it has ${text.length}`;
  if (/[\r\n\0]/.test(text)) return 'must not contain CR, LF or NUL';
  let size: number;
  try {
    size = programSize(RE2JS.compile(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'not readable';
    return `must be a regular expression in RE2 syntax (no look-around, no back-references): ${reason}`;
  }
  if (size <= MAX_REGEX_PROGRAM) return undefined;
  return `is too large for Envoy: about ${size} instructions of at most ${MAX_REGEX_PROGRAM}; use smaller repeat counts or several matches`;
}

/**
 * An upper bound for the number of instructions of Envoy's RE2, which works on the bytes of UTF-8: re2js has one
 * instruction for a class of characters where RE2 has one for every range of bytes.
 */
function programSize(compiled: RE2JS): number {
  const instructions: readonly { readonly runes?: ArrayLike<number> | null }[] = compiled.re2Input.prog.inst;
  let size = 0;
  for (const { runes } of instructions) size += runes && runes.length > 1 ? classSize(runes) : 1;
  return Math.max(size, compiled.programSize());
}

/** `[first, last]` of the characters with one, two, three and four bytes; instructions for all of them and for a part. */
const BLOCKS = [
  { first: 0, last: 0x7f, whole: 1, part: 1 },
  { first: 0x80, last: 0x7ff, whole: 2, part: 5 },
  { first: 0x800, last: 0xffff, whole: 4, part: 9 },
  { first: 0x10000, last: 0x10ffff, whole: 5, part: 13 },
];

/** Instructions for a class given as pairs of first and last character. */
function classSize(runes: ArrayLike<number>): number {
  let size = 1;
  for (let index = 0; index + 1 < runes.length; index += 2) {
    const [from = 0, to = 0] = [runes[index], runes[index + 1]];
    for (const { first, last, whole, part } of BLOCKS) {
      if (to < first || from > last) continue;
      size += from <= first && to >= last ? whole : part;
    }
  }
  return size;
}
