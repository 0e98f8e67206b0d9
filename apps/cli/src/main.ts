import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { applyCommand } from './commands/apply.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { contextCommand } from './commands/context.js';
import { deleteCommand } from './commands/delete.js';
import { getCommand } from './commands/get.js';
import { historyCommand } from './commands/history.js';
import { loginCommand } from './commands/login.js';
import { proxyCommand } from './commands/proxy.js';
import { statusCommand } from './commands/status.js';
import { tokenCommand } from './commands/token.js';
import { upCommand } from './commands/up.js';
import { validateCommand } from './commands/validate.js';
import { EXIT } from './exit-codes.js';
import { failureOf } from './failure.js';
import { note } from './output.js';

const HELP = `
Exit codes: 0 done; 1 refused; 2 wrong usage; 3 control plane unreachable or token not accepted; 4 not found;
5 a proxy refused the change; 6 not every proxy has the change yet; 70 a mistake of Heddle (HEDDLE_DEBUG=1 shows where).

Examples:
  heddle up                                 start a control plane with its own Postgres
  heddle apply -f shop/ --wait              apply a directory, wait for every Envoy's ACK
  heddle status                             who has what, and who refused it
  heddle proxy run --workload web ...       run a sidecar on this machine`;

/** package.json of the checkout: this file is dist/apps/cli/src/main.js, or apps/cli/src/main.ts in tests. */
function release(): { version: string } {
  const up = import.meta.dirname.includes('/dist/apps/') ? '../../../../package.json' : '../../../package.json';
  return JSON.parse(readFileSync(join(import.meta.dirname, up), 'utf8')) as { version: string };
}

export function program(): Command {
  const heddle = new Command('heddle')
    .description(
      'Service mesh for stock Envoy: apply changes, see every proxy confirm or refuse them, and who changed what.',
    )
    .version(release().version, '--version', 'show the version of Heddle')
    .addHelpText('after', HELP);
  heddle.exitOverride().showHelpAfterError('(--help shows what there is)');
  for (const command of [
    upCommand(),
    loginCommand(),
    contextCommand(),
    applyCommand(),
    getCommand(),
    deleteCommand(),
    statusCommand(),
    historyCommand(),
    proxyCommand(),
    tokenCommand(),
    validateCommand(),
    configCommand(),
  ]) {
    heddle.addCommand(inherit(command));
  }
  return heddle.addCommand(inherit(completionCommand(heddle)));
}

/** Subcommands made on their own do not inherit how errors end; without this they would end the process themselves. */
function inherit(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help shows what there is)');
  for (const sub of command.commands) inherit(sub);
  return command;
}

/** Without its `--help` an unknown command is told to be one; with it commander shows the help of what is above. */
function withoutVainHelp(heddle: Command, argv: readonly string[]): readonly string[] {
  const words = argv.filter((word) => !word.startsWith('-'));
  const asked = words[0] === 'help' ? words.slice(1) : words;
  let at = heddle;
  for (const word of asked) {
    if (at.commands.length === 0) return argv;
    const next = at.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (next === undefined) return word === 'help' ? argv : asked;
    at = next;
  }
  return argv;
}

/** Runs the CLI. @returns its exit code */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const heddle = program();
    await heddle.parseAsync([...withoutVainHelp(heddle, argv)], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { code, lines } = failureOf(error, process.env);
    const [message, ...details] = lines;
    note(`heddle: ${message}`);
    for (const detail of details) note(`  ${detail}`);
    return code;
  }
}

if (import.meta.main) {
  // Whoever reads our answer may have had enough of it: `heddle get services | head`.
  process.stdout.on('error', () => process.exit(EXIT.ok));
  process.exitCode = await main(process.argv.slice(2));
}
