import { Command } from 'commander';
import { writeSidecarFiles } from '#libs/launcher';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note, printAs } from '../output.js';
import { proxyFlags, statisticsFlags } from '../proxy-flags.js';
import { type JoinFlags, join } from '../sidecar-input.js';

type Flags = JoinFlags & { readonly out: string; readonly installDir?: string };

export function proxyBootstrap(): Command {
  return remote(
    statisticsFlags(
      proxyFlags(
        new Command('bootstrap').description(
          'register an instance and write what stock Envoy needs to join: bootstrap, pinned CA, token',
        ),
      ),
    ),
  )
    .requiredOption('--out <dir>', 'folder to write')
    .option(
      '--install-dir <dir>',
      'where that folder will be on the machine that runs Envoy (default: where it is written)',
    )
    .option('--address <cidr...>', 'addresses that the token lets it bind or advertise (default: the bind address)')
    .option('--ttl-days <days>', 'lifetime of the token: 1 to 90 (default 7)')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { installDir } = flags;
  if (installDir !== undefined && !installDir.startsWith('/'))
    throw new CliError(`--install-dir ${installDir}: it must begin with /`, EXIT.usage);
  const s = session(flags);
  const { files, tokenEnds } = await join(s, flags);
  const written = await writeSidecarFiles(flags.out, { ...files, ...(installDir === undefined ? {} : { installDir }) });
  if (written.installDir !== written.dir) note(`copy ${written.dir} to ${written.installDir} there`);
  note(`start it there with: envoy -c ${written.installDir}/bootstrap.yaml`);
  note(`sidecars will dial ${files.xds.address}:${files.xds.port} (xds.advertisedAddress of the control plane)`);
  note(`the token ends on ${tokenEnds}: renew it before, with the timer in envoy/systemd or \`heddle proxy run\``);
  printAs(s.format, { ...written, xds: files.xds, tokenEnds }, () => written.dir);
}
