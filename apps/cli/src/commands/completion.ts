import { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { kinds } from '../kinds.js';
import { print } from '../output.js';

export function completionCommand(program: Command): Command {
  return new Command('completion')
    .description('print a completion script: `source <(heddle completion bash)`')
    .argument('<shell>', 'bash or zsh')
    .action((shell: string) => {
      if (shell === 'bash') print(bash(program));
      else if (shell === 'zsh') print(`autoload -U +X bashcompinit && bashcompinit\n${bash(program)}`);
      else throw new CliError(`no completion for ${shell}: bash and zsh are known`, EXIT.usage);
    });
}

function bash(program: Command): string {
  const names = program.commands.map((command) => command.name());
  const cases = program.commands.flatMap(casesOf);
  return [
    '_heddle() {',
    '  local words="" current="${COMP_WORDS[COMP_CWORD]}"',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${names.join(' ')}"; else case "$COMP_CWORD \${COMP_WORDS[1]} \${COMP_WORDS[2]}" in`,
    ...cases.map(({ pattern, words }) => `    ${pattern}) words="${words.join(' ')}" ;;`),
    '  esac; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _heddle heddle',
  ].join('\n');
}

interface Case {
  /** Matches "<number of the word> <first word> <second word>"; the first that matches counts. */
  readonly pattern: string;
  readonly words: readonly string[];
}

/** A second word is a subcommand, a kind or a shell where the command has such; after it come flags. */
function casesOf(command: Command): Case[] {
  const name = command.name();
  if (command.commands.length > 0) {
    const subs = command.commands.map((sub) => ({ pattern: `*" ${name} ${sub.name()}"`, words: flagsOf(sub) }));
    return [{ pattern: `"2 ${name} "*`, words: command.commands.map((sub) => sub.name()) }, ...subs];
  }
  const second = secondWords(name);
  const flags = { pattern: `*" ${name} "*`, words: flagsOf(command) };
  return second.length > 0 ? [{ pattern: `"2 ${name} "*`, words: [...second, ...flags.words] }, flags] : [flags];
}

function secondWords(command: string): string[] {
  if (command === 'get' || command === 'delete') return [...kinds().kinds.map((kind) => kind.plural), 'instances'];
  return command === 'completion' ? ['bash', 'zsh'] : [];
}

const flagsOf = (command: Command): string[] => command.options.flatMap((option) => option.long ?? []);
