import { Command } from 'commander';
import type { FailurePage } from '#libs/telemetry';
import { OUTCOMES } from '#libs/telemetry/names';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { wholeNumber } from '../numbers.js';
import { printAs } from '../output.js';
import { proxyOf } from '../proxy-name.js';
import { callerOf, NOBODY } from './caller.js';
import { renderFailures } from './failures.render.js';
import { SINCE, type TimeFlags, timeQuery } from './time.js';

interface Flags extends TimeFlags {
  readonly namespace?: string;
  readonly service?: string;
  readonly caller?: string;
  readonly outcome?: string;
  readonly route?: string;
  readonly instance?: string;
  readonly request?: string;
  readonly limit: string;
}

const PAGE = 500;

export function failuresCommand(): Command {
  const command = new Command('failures').description('show requests and attempts that failed, newest first');
  return remote(command)
    .option('--since <time>', 'since then: 15m, 2h, or 2026-11-23T14:02:00Z', SINCE)
    .option('--until <time>', 'only before then')
    .option('--service <service>', 'only of requests to this one: a name in the namespace, or NAMESPACE/name')
    .option(
      '--caller <workload>',
      `only of requests by this one: a name in the namespace, or NAMESPACE/name; ${NOBODY}`,
    )
    .option('--outcome <outcome>', `only what failed so: ${OUTCOMES.filter((one) => one !== 'ok').join(', ')}`)
    .option('--route <route>', 'only by this route: KIND/namespace/name/rule; - = by none')
    .option('--instance <instance>', 'only at this one: NAMESPACE/workload/instance, or its address')
    .option('--request <id>', 'only of this request (x-request-id), with its attempts on every hop')
    .option('--limit <n>', 'at most so many', '50')
    .action(async (flags: Flags) => {
      const s = session(flags);
      const limit = wholeNumber('--limit', flags.limit, { min: 1, max: 10_000 });
      const page = await pages(s, queryOf(s, flags), limit);
      printAs(s.format, page, () => renderFailures(page));
    });
}

function queryOf(s: Session, flags: Flags): URLSearchParams {
  const query = timeQuery(flags);
  const named = (text: string): string => {
    const { namespace, name } = proxyOf(s, text);
    return `${namespace}/${name}`;
  };
  if (flags.outcome !== undefined && !OUTCOMES.some((known) => known === flags.outcome))
    throw new CliError(`--outcome ${flags.outcome}: it must be one of ${OUTCOMES.join(', ')}`, EXIT.usage);
  const callee = flags.service === undefined ? flags.namespace : named(flags.service);
  const caller = flags.caller === undefined ? undefined : callerOf(s, flags.caller);
  const { outcome, instance, request: requestId } = flags;
  const route = flags.route === '-' ? '' : flags.route;
  for (const [name, value] of Object.entries({ callee, caller, outcome, route, instance, requestId }))
    if (value !== undefined) query.set(name, value);
  return query;
}

/** So many, however many pages that takes: some hold few that the caller may see. */
async function pages(s: Session, query: URLSearchParams, limit: number): Promise<FailurePage> {
  let shown: FailurePage | undefined;
  for (;;) {
    const items = shown?.items ?? [];
    query.set('limit', String(Math.min(PAGE, limit - items.length)));
    const page: FailurePage = await s.rest.get(`${s.meshPath}/telemetry/failures?${query}`);
    shown = { ...page, from: shown?.from ?? page.from, items: [...items, ...page.items] };
    if (page.cursor === undefined || shown.items.length >= limit) return shown;
    query.set('cursor', page.cursor);
  }
}
