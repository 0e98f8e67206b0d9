import { Command } from 'commander';
import { checkHost } from '#libs/launcher';
import { CliError, EXIT } from '../exit-codes.js';
import { parseFormat, printAs } from '../output.js';
import { type ProxyFlags, proxyFlags, registration } from '../proxy-flags.js';

export function proxyCheck(): Command {
  return proxyFlags(
    new Command('check').description(
      'say what this host permits, and whether the application can be reached around its sidecar',
    ),
  )
    .option('--host <name...>', 'services that the application calls, to see how their names resolve here')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (flags: ProxyFlags & { host?: string[]; output: string }) => {
      const { bind, app, outbound } = registration(flags);
      const admin = { address: '127.0.0.1', port: Number(flags.adminPort) };
      const findings = await checkHost({
        bind,
        app,
        admin,
        ...(outbound ? { outbound } : {}),
        meshHosts: flags.host ?? [],
      });
      const lines = findings.map(
        (one) => `${one.ok ? 'ok  ' : 'FAIL'}  ${one.id}: ${one.message}${one.fix ? `\n      ${one.fix}` : ''}`,
      );
      printAs(parseFormat(flags.output), { findings }, () => lines.join('\n'));
      if (findings.some((one) => !one.ok))
        throw new CliError('the sidecar will not work here as promised', EXIT.refused);
    });
}
