import { homedir } from 'node:os';
import { join as joinPath } from 'node:path';
import { Command } from 'commander';
import { announceReadiness, ControlPlaneClient, findEnvoy, runProxy, runUntilSignal } from '#libs/launcher';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { findingsFor, printed } from '../host-check.js';
import { note } from '../output.js';
import {
  adminAddress,
  instanceName,
  metricsListener,
  proxyFlags,
  registration,
  requireUsable,
  statisticsFlags,
} from '../proxy-flags.js';
import { type JoinFlags, join } from '../sidecar-input.js';

type Flags = JoinFlags & { readonly dir?: string; readonly envoyVersion?: string; readonly skipChecks?: boolean };

export function proxyRun(): Command {
  return remote(
    statisticsFlags(
      proxyFlags(
        new Command('run').description(
          'run a sidecar here: check the host, register, start Envoy, renew the token, leave well on Ctrl-C',
        ),
      ),
    ),
  )
    .option('--dir <dir>', 'folder for its files (default: ~/.local/state/heddle/<instance>)')
    .option('--address <cidr...>', 'addresses that the token lets it bind or advertise (default: the bind address)')
    .option('--envoy-version <version>', 'exactly this Envoy')
    .option('--skip-checks', 'start although `heddle proxy check` finds something against it')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const s = session(flags);
  requireUsable(registration(flags));
  if (!flags.skipChecks) await requireFitHost(flags);
  const envoy = await findEnvoy({
    onProgress: note,
    ...(flags.envoyVersion ? { version: flags.envoyVersion } : {}),
  });
  const { files, registration: body } = await join(s, flags);
  const proxy = await runProxy({
    dir: flags.dir ?? joinPath(homedir(), '.local/state/heddle', instanceName(flags)),
    files,
    registration: body,
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
  const listens = Object.values(body.bind.ports).map((port) => ({ address: body.bind.address, port }));
  void announceReadiness(proxy.sidecar, { listens, onEvent: note });
  const exit = await runUntilSignal(proxy);
  if (!exit.expected) throw new CliError(`Envoy ended: ${exit.reason}`, EXIT.refused);
}

async function requireFitHost(flags: Flags): Promise<void> {
  const findings = await findingsFor(registration(flags), {
    admin: adminAddress(flags),
    metrics: metricsListener(flags),
  });
  const bad = findings.filter(({ ok }) => !ok);
  if (bad.length === 0) return;
  const details = bad.flatMap((finding) => printed(finding).split('\n'));
  throw new CliError(
    'the sidecar will not work here as promised; --skip-checks starts it all the same',
    EXIT.refused,
    details,
  );
}
