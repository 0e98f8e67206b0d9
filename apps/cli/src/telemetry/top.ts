import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { EdgeDetail, Listed, ServiceDetail, ServiceSignals } from '#libs/telemetry';
import { SORTS } from '#libs/telemetry/names';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { print, printAs } from '../output.js';
import { proxyOf } from '../proxy-name.js';
import { whyNothing } from './answered.js';
import { callerOf, NOBODY } from './caller.js';
import { inline } from './numbers.js';
import { limitOf, SINCE, type TimeFlags, timeQuery } from './time.js';
import { callerName, renderEdge, renderService, renderServices } from './top.render.js';

interface Flags extends TimeFlags {
  readonly namespace?: string;
  readonly caller?: string;
  readonly sort: string;
  readonly limit: string;
  readonly watch?: boolean;
}

const EVERY_MS = 2_000;
/** Clears the terminal: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html (ED, CUP) */
const CLEAR = '\u001b[2J\u001b[H';

export function topCommand(): Command {
  const command = new Command('top').description(
    'show how requests fare: of every service, or of one by route, caller and instance, or of one caller of it by route',
  );
  return remote(command)
    .argument('[service]', 'a name in the namespace, or NAMESPACE/name')
    .option('--since <time>', 'since then: 5m, 2h, 7d, or 2026-11-23T14:02:00Z', SINCE)
    .option('--until <time>', 'until then, instead of now')
    .option(
      '--caller <workload>',
      `only what this one asks of the service: a name in the namespace, or NAMESPACE/name; ${NOBODY}`,
    )
    .option('--sort <what>', `the highest first: ${SORTS.join(', ')}`, 'rate')
    .option('--limit <n>', 'at most so many services', '50')
    .option('-w, --watch', 'show it anew every two seconds, until Ctrl-C')
    .addHelpText(
      'after',
      `
Rates are requests a second (attempts, of instances); failures are those that count against the service: not who went
away before the answer. Attempts are those that a request took: 1.00 = nothing was retried.`,
    )
    .action(async (service: string | undefined, flags: Flags) => {
      const s = session(flags);
      if (flags.caller !== undefined && service === undefined)
        throw new CliError(`--caller ${flags.caller}: name the service that it calls, too`, EXIT.usage);
      if (flags.watch === true && s.format !== 'table')
        throw new CliError('--watch is for people: leave out --output', EXIT.usage);
      const show = (): Promise<Shown> => {
        if (service === undefined) return services(s, flags);
        return flags.caller === undefined ? ofService(s, flags, service) : ofEdge(s, flags, service, flags.caller);
      };
      if (flags.watch !== true) return show().then((shown) => printAs(s.format, shown.value, () => shown.text));
      for (;;) {
        const { text } = await show();
        print(process.stdout.isTTY ? CLEAR + text : text);
        await sleep(EVERY_MS);
      }
    });
}

interface Shown {
  readonly value: unknown;
  readonly text: string;
}

async function services(s: Session, flags: Flags): Promise<Shown> {
  const query = timeQuery(flags);
  query.set('sort', flags.sort);
  query.set('limit', limitOf(flags.limit));
  // Of the whole mesh unless asked otherwise: the namespace of a context is for what is written.
  if (flags.namespace !== undefined) query.set('namespace', flags.namespace);
  const value = await s.rest.get<Listed<ServiceSignals>>(`${s.meshPath}/telemetry/services?${query}`);
  const isEmpty = value.items.length === 0 && value.hidden === 0;
  return { value, text: isEmpty ? await whyNothing(s, value) : renderServices(value) };
}

async function ofService(s: Session, flags: Flags, service: string): Promise<Shown> {
  const { namespace, name } = proxyOf(s, service);
  const path = [namespace, name].map(encodeURIComponent).join('/');
  const value = await s.rest.get<ServiceDetail>(`${s.meshPath}/telemetry/services/${path}?${timeQuery(flags)}`);
  const isEmpty = value.total.count === 0 && value.instances.length === 0;
  return { value, text: isEmpty ? `${namespace}/${name}: ${await whyNothing(s, value)}` : renderService(value) };
}

async function ofEdge(s: Session, flags: Flags, service: string, by: string): Promise<Shown> {
  const { namespace, name } = proxyOf(s, service);
  const path = [namespace, name].map(encodeURIComponent).join('/');
  const query = timeQuery(flags);
  query.set('caller', callerOf(s, by));
  const value = await s.rest.get<EdgeDetail>(`${s.meshPath}/telemetry/edges/${path}?${query}`);
  const ends = `${callerName(value.caller)} → ${inline(value.callee)}`;
  return { value, text: value.total.count === 0 ? `${ends}: ${await whyNothing(s, value)}` : renderEdge(value) };
}
