import { Command } from 'commander';
import type { ServiceMap } from '#libs/telemetry';
import { remote, session } from '../command.js';
import { print, printAs } from '../output.js';
import { whyNothing } from './answered.js';
import { dotOf, renderMap } from './map.render.js';
import { limitOf, SINCE, type TimeFlags, timeQuery } from './time.js';

interface Flags extends TimeFlags {
  readonly namespace?: string;
  readonly limit: string;
  readonly output: string;
}

export function mapCommand(): Command {
  const command = new Command('map').description('show who calls whom, and how that goes; -o dot for Graphviz');
  return remote(command)
    .option('--since <time>', 'since then: 5m, 2h, 7d, or 2026-11-23T14:02:00Z', SINCE)
    .option('--until <time>', 'until then, instead of now')
    .option('--limit <n>', 'at most so many edges, the busiest', '500')
    .addHelpText(
      'after',
      `
Examples:
  heddle map --since 1h                     who called whom in the last hour
  heddle map -n shop                        only services of the namespace shop, with whoever calls them
  heddle map -o dot | dot -Tsvg > map.svg   as a picture`,
    )
    .action(async (flags: Flags) => {
      const isDot = flags.output === 'dot';
      const s = session({ ...flags, ...(isDot ? { output: 'table' } : {}) });
      const query = timeQuery(flags);
      query.set('limit', limitOf(flags.limit));
      if (flags.namespace !== undefined) query.set('namespace', flags.namespace);
      const map = await s.rest.get<ServiceMap>(`${s.meshPath}/telemetry/map?${query}`);
      if (isDot) return print(dotOf(map));
      const nothing = map.edges.length === 0 && map.hidden === 0 ? await whyNothing(s, map) : undefined;
      printAs(s.format, map, () => nothing ?? renderMap(map));
    });
}
