import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { ControlPlaneClient, findEnvoy, runProxy, runUntilSignal } from '#libs/launcher';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { instanceName, type ProxyFlags, proxyFlags, registration } from '../proxy-flags.js';
import { sidecarFiles } from '../sidecar-input.js';

export function proxyRun(): Command {
  return remote(
    proxyFlags(
      new Command('run').description(
        'run a sidecar here: register, start Envoy, renew the token, leave well on Ctrl-C',
      ),
    ),
  )
    .option('--dir <dir>', 'folder for its files (default: ~/.local/state/heddle/<instance>)')
    .option('--address <cidr...>', 'addresses that the token lets it bind or advertise (default: the bind address)')
    .option('--envoy-version <version>', 'exactly this Envoy')
    .action(async (flags: ProxyFlags & { envoyVersion?: string; address?: string[] }) => {
      const s = session(flags);
      const envoy = await findEnvoy({
        onProgress: note,
        ...(flags.envoyVersion ? { version: flags.envoyVersion } : {}),
      });
      const files = await sidecarFiles(s, flags);
      const proxy = await runProxy({
        dir: flags.dir ?? join(homedir(), '.local/state/heddle', instanceName(flags)),
        files,
        registration: registration(flags),
        client: (token) =>
          new ControlPlaneClient({
            url: s.context.server,
            token,
            caPem: files.caPem,
            serverName: files.xds.serverName,
          }),
        envoy: envoy.path,
        onEvent: note,
      });
      const exit = await runUntilSignal(proxy);
      if (!exit.expected) throw new CliError(`Envoy ended: ${exit.reason}`, EXIT.refused);
    });
}
