import { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { findingsFor, printed } from '../host-check.js';
import { parseFormat, printAs } from '../output.js';
import { adminAddress, metricsListener, type ProxyFlags, proxyFlags, registration } from '../proxy-flags.js';

export function proxyCheck(): Command {
  return proxyFlags(
    new Command('check').description(
      'say what this host permits, and whether the application can be reached around its sidecar',
    ),
  )
    .option('--host <name...>', 'services that the application calls, to see how their names resolve here')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (flags: ProxyFlags & { host?: string[]; output: string }) => {
      const findings = await findingsFor(registration(flags), {
        admin: adminAddress(flags),
        metrics: metricsListener(flags),
        meshHosts: flags.host,
      });
      printAs(parseFormat(flags.output), { findings }, () => findings.map(printed).join('\n'));
      if (findings.some((one) => !one.ok))
        throw new CliError('the sidecar will not work here as promised', EXIT.refused);
    });
}
