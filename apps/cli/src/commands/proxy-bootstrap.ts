import { Command } from 'commander';
import { writeSidecarFiles } from '#libs/launcher';
import { remote, session } from '../command.js';
import { note, printAs } from '../output.js';
import { instanceName, type ProxyFlags, proxyFlags, registration } from '../proxy-flags.js';
import { sidecarFiles } from '../sidecar-input.js';

export function proxyBootstrap(): Command {
  return remote(
    proxyFlags(
      new Command('bootstrap').description(
        'register an instance and write what stock Envoy needs to join: bootstrap, pinned CA, token',
      ),
    ),
  )
    .requiredOption('--out <dir>', 'folder to write')
    .option('--address <cidr...>', 'addresses that the token lets it bind or advertise (default: the bind address)')
    .option('--ttl-days <days>', 'lifetime of the token: 1 to 90 (default 7)')
    .action(async (flags: ProxyFlags & { out: string; ttlDays?: string; address?: string[] }) => {
      const s = session(flags);
      const files = await sidecarFiles(s, flags);
      const path = `${s.meshPath}/namespaces/${encodeURIComponent(s.context.namespace)}/instances/${encodeURIComponent(instanceName(flags))}`;
      await s.rest.send('PUT', path, { body: registration(flags) });
      const written = await writeSidecarFiles(flags.out, files);
      note(`start it there with: envoy -c ${written.bootstrap}`);
      note('the token ends: renew it before, with the timer in envoy/systemd or `heddle proxy run`');
      printAs(s.format, written, () => written.dir);
    });
}
