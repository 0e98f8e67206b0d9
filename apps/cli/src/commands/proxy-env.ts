import { Command } from 'commander';
import { formatEnv, proxyEnv } from '#libs/launcher';
import { CliError, EXIT } from '../exit-codes.js';
import { print } from '../output.js';
import { hostPort } from '../proxy-flags.js';

export function proxyEnvironment(): Command {
  return new Command('env')
    .description(
      'print the environment that sends an application\'s HTTP calls through its sidecar: eval "$(heddle proxy env)"',
    )
    .option('--outbound <address:port>', 'where the application finds the mesh', '127.100.0.1:15001')
    .option('--direct <names>', 'names with a listener of their own (gRPC, TCP), which must not go through the proxy')
    .option('--format <format>', 'shell, or env for systemd and Docker', 'shell')
    .action((flags: { outbound: string; direct?: string; format: string }) => {
      const direct = (flags.direct ?? '').split(',').filter(Boolean);
      print(
        formatEnv(
          proxyEnv({ outbound: hostPort('--outbound', flags.outbound), direct }),
          environmentFormat(flags.format),
        ),
      );
    });
}

function environmentFormat(text: string): 'shell' | 'env' {
  if (text === 'shell' || text === 'env') return text;
  throw new CliError(`--format ${text}: it must be shell or env`, EXIT.usage);
}
