/** Regular expressions as Envoy's RE2 reads them; never JavaScript's own, whose running time is unbounded (SEC-40). */
import { RE2JS } from 're2js';

const compiled = new Map<string, RE2JS>();
/** Patterns kept compiled; beyond it the oldest go. */
const KEPT = 4096;

function compile(regex: string): RE2JS {
  const held = compiled.get(regex);
  if (held) return held;
  const [oldest] = compiled.keys();
  if (compiled.size >= KEPT && oldest !== undefined) compiled.delete(oldest);
  const made = RE2JS.compile(regex);
  compiled.set(regex, made);
  return made;
}

/** Whether the whole text matches. @throws for a pattern that RE2 does not accept. */
export const fullMatch = (regex: string, text: string): boolean => compile(regex).matches(text);

/** RE2's `GlobalReplace`: every match; `\0` to `\9` in the substitution are groups, `\\` is a backslash. */
export function globalReplace(regex: string, text: string, substitution: string): string {
  const matcher = compile(regex).matcher(text);
  let out = '';
  let at = 0;
  let lastEnd = -1;
  while (at <= text.length && matcher.find(at)) {
    const [start, end] = [matcher.start(), matcher.end()];
    out += text.slice(at, start);
    if (start === end && start === lastEnd) {
      out += text.slice(at, at + 1);
      at += 1;
      continue;
    }
    out += substitution.replace(/\\([0-9\\])/g, (_, what: string) =>
      what === '\\' ? '\\' : (matcher.group(Number(what)) ?? ''),
    );
    at = end;
    lastEnd = end;
  }
  return out + text.slice(at);
}
