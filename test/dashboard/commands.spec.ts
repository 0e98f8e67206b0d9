/** What the pages tell people to type is what the CLI understands. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../apps/cli/src/main.js';

const ROOT = join(import.meta.dirname, '../../apps/dashboard/src');
const sources = globSync('**/*.tsx', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
const QUOTED = /(?:command=(?:"|\{`)|<Command>)(heddle [^"`<]+)/g;
const typed = sources.flatMap((text) => [...text.matchAll(QUOTED)].map(([, command = '']) => command));

/** Words as a shell has them. */
const wordsOf = (command: string): string[] =>
  (command.split(' > ')[0] ?? '').match(/'[^']*'|(?:\$\{[^}]*\}|\S)+/g)?.map((word) => word.replaceAll("'", '')) ?? [];

function commandOf(heddle: Command, words: string[]): Command {
  const next = heddle.commands.find((one) => one.name() === words[0] || one.aliases().includes(words[0] ?? ''));
  if (next === undefined) return heddle;
  words.shift();
  return commandOf(next, words);
}

const isOf = (word: string) => (option: Option) => option.long === word || option.short === word;

describe('commands that the pages name', () => {
  it('are there', () => {
    expect(typed.length).toBeGreaterThan(15);
  });

  it.each([...new Set(typed)])('%s', async (command) => {
    const words = wordsOf(command).slice(1);
    const name = words[0];
    const found = commandOf(await program(name), words);
    expect(found.name()).not.toBe('heddle');
    const flags = words.filter((word) => /^-(-|[a-z])/.test(word));
    expect(flags.filter((flag) => !found.options.some(isOf(flag)))).toEqual([]);
    const required = found.options.filter((option) => option.mandatory && !words.some((word) => isOf(word)(option)));
    expect(required.map(({ long }) => long)).toEqual([]);
    const given = words.filter((word, i) => {
      const before = found.options.find(isOf(words[i - 1] ?? ''));
      return !word.startsWith('-') && !(before?.required || before?.optional);
    });
    const wanted = found.registeredArguments.filter((one) => one.required).length;
    expect([
      given.length >= wanted,
      found.registeredArguments.some((one) => one.variadic) || given.length <= found.registeredArguments.length,
    ]).toEqual([true, true]);
  });
});
