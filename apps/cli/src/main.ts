import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { Ended, EXIT, exitCodeLines } from './exit-codes.js';
import { failureOf } from './failure.js';
import { note } from './output.js';

const HELP = `
Exit codes:
${exitCodeLines().join('\n')}

Examples:
  heddle up                                 start a control plane with its own Postgres
  heddle plan -f shop/                      what would a directory change, for whom?
  heddle apply -f shop/ --wait              show the plan, ask, apply, wait for every Envoy's ACK
  heddle apply -f shop/ --canary 5% --confirm-within 10m    some proxies first; taken back unless confirmed
  heddle rollback c-12                      take a change back
  heddle status                             who has what, and who refused it
  heddle top                                how the requests to each service fare
  heddle dashboard                          the same in a browser, logged in
  heddle explain web RDS shop/orders        what a proxy's routes were made from, and by whom
  heddle proxy run --workload web ...       run a sidecar on this machine`;

/** package.json of the checkout: this file is dist/apps/cli/src/main.js, or apps/cli/src/main.ts in tests. */
function release(): { version: string } {
  const up = import.meta.dirname.includes('/dist/apps/') ? '../../../../package.json' : '../../../package.json';
  return JSON.parse(readFileSync(join(import.meta.dirname, up), 'utf8')) as { version: string };
}

/**
 * Every command, in the order of the help. Each is loaded when it is asked for: what some of them need costs half a second,
 * which nobody should wait for who wants the status.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./commands/up.js')).upCommand(),
  login: async () => (await import('./commands/login.js')).loginCommand(),
  context: async () => (await import('./commands/context.js')).contextCommand(),
  plan: async () => (await import('./commands/plan.js')).planCommand(),
  apply: async () => (await import('./commands/apply.js')).applyCommand(),
  diff: async () => (await import('./commands/diff.js')).diffCommand(),
  rollback: async () => (await import('./commands/rollback.js')).rollbackCommand(),
  export: async () => (await import('./commands/export.js')).exportCommand(),
  edit: async () => (await import('./commands/edit.js')).editCommand(),
  get: async () => (await import('./commands/get.js')).getCommand(),
  delete: async () => (await import('./commands/delete.js')).deleteCommand(),
  status: async () => (await import('./commands/status.js')).statusCommand(),
  top: async () => (await import('./telemetry/top.js')).topCommand(),
  map: async () => (await import('./telemetry/map.js')).mapCommand(),
  failures: async () => (await import('./telemetry/failures.js')).failuresCommand(),
  patterns: async () => (await import('./telemetry/patterns.js')).patternsCommand(),
  alerts: async () => (await import('./alerts/commands.js')).alertsCommand(),
  slo: async () => (await import('./alerts/commands.js')).sloCommand(),
  prometheus: async () => (await import('./commands/prometheus.js')).prometheusCommand(),
  quarantine: async () => (await import('./commands/quarantine.js')).quarantineCommand(),
  explain: async () => (await import('./commands/explain.js')).explainCommand(),
  confirm: async () => (await import('./commands/confirm.js')).confirmCommand(),
  change: async () => (await import('./commands/change.js')).changeCommand(),
  history: async () => (await import('./commands/history.js')).historyCommand(),
  audit: async () => (await import('./commands/audit.js')).auditCommand(),
  proxy: async () => (await import('./commands/proxy.js')).proxyCommand(),
  token: async () => (await import('./commands/token.js')).tokenCommand(),
  dashboard: async () => (await import('./commands/dashboard.js')).dashboardCommand(),
  whoami: async () => (await import('./commands/whoami.js')).whoamiCommand(),
  'can-i': async () => (await import('./commands/can-i.js')).canICommand(),
  role: async () => (await import('./commands/role.js')).roleCommand(),
  validate: async () => (await import('./commands/validate.js')).validateCommand(),
  config: async () => (await import('./commands/config.js')).configCommand(),
};

/** @param name of the one command that is needed; undefined or an unknown one = all */
export async function program(name?: string): Promise<Command> {
  const heddle = new Command('heddle')
    .description(
      'Service mesh for stock Envoy: apply changes, see every proxy confirm or refuse them, and who changed what.',
    )
    .version(release().version, '--version', 'show the version of Heddle')
    .addHelpText('after', HELP);
  heddle.exitOverride().showHelpAfterError('(--help shows what there is)');
  const only = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  for (const load of only ? [only] : Object.values(COMMANDS)) heddle.addCommand(inherit(await load()));
  if (only) return heddle;
  const { completionCommand } = await import('./commands/completion.js');
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
  // Values of flags are no commands: where nobody asks for help, commander reads them.
  if (words[0] !== 'help' && !argv.includes('--help') && !argv.includes('-h')) return argv;
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
    const heddle = await program(argv[0]);
    await heddle.parseAsync([...withoutVainHelp(heddle, argv)], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof Ended) return error.code;
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
