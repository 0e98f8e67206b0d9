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
  const plurals = kinds().kinds.map((kind) => kind.plural);
  const cases = program.commands.map((command) => {
    const words = [
      ...command.commands.map((sub) => sub.name()),
      ...command.options.map((option) => option.long ?? ''),
    ].filter(Boolean);
    const extra = command.name() === 'get' || command.name() === 'delete' ? [...plurals, 'instances'] : [];
    return `    ${command.name()}) words="${[...words, ...extra].join(' ')}" ;;`;
  });
  return [
    '_heddle() {',
    '  local words="" current="${COMP_WORDS[COMP_CWORD]}"',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${names.join(' ')}"; else case "\${COMP_WORDS[1]}" in`,
    ...cases,
    '  esac; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _heddle heddle',
  ].join('\n');
}
