import { Command } from 'commander';
import type { PatternsView } from '#libs/api';
import { remote, session } from '../command.js';
import { printAs } from '../output.js';
import { proxyOf } from '../proxy-name.js';
import { renderPatterns } from './patterns.render.js';
import { type TimeFlags, timeQuery } from './time.js';

interface Flags extends TimeFlags {
  readonly service?: string;
}

export function patternsCommand(): Command {
  const command = new Command('patterns').description(
    'name what failures have in common, since when, and which change or release came before',
  );
  return remote(command)
    .option('--since <time>', 'what went on since then: 15m, 2h, or 2026-11-23T14:02:00Z', '1h')
    .option('--until <time>', 'only what began before then')
    .option(
      '--service <service>',
      'only what this one fails by, or what follows: a name in the namespace, or NAMESPACE/name',
    )
    .action(async (flags: Flags) => {
      const s = session(flags);
      const query = timeQuery(flags);
      if (flags.service !== undefined) {
        const { namespace, name } = proxyOf(s, flags.service);
        query.set('service', `${namespace}/${name}`);
      }
      const answer: PatternsView = await s.rest.get(`${s.meshPath}/telemetry/patterns?${query}`);
      printAs(s.format, answer, () => renderPatterns(answer));
    });
}
