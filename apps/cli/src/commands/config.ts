import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';

/** The control plane itself explains its configuration, so that there is one schema only. */
export function configCommand(): Command {
  return new Command('config')
    .description('show the configuration of the control plane that is in force, and where each value comes from')
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]', 'flags as for the control plane: --config heddle.yaml --rest-port 8190')
    .action((_flags: string[], _options: unknown, command: Command) => {
      const entry = join(import.meta.dirname, '../../../control-plane/src/main.js');
      const ended = spawnSync(process.execPath, [entry, 'config', ...command.args], { stdio: 'inherit' });
      if (ended.status !== 0) throw new CliError('the configuration is not valid', EXIT.usage);
    });
}
