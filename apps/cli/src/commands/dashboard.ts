import { Command } from 'commander';
import { remote, session } from '../command.js';
import { printAs } from '../output.js';

/** Prints an address that is logged in: it carries no token, and is good once, for a minute. */
export function dashboardCommand(): Command {
  return remote(
    new Command('dashboard').description(
      'print an address that opens the dashboard, logged in: good once, for a minute',
    ),
  ).action(async (flags: object) => {
    const s = session(flags);
    const { link } = await s.rest.send<{ readonly link: string }>('POST', '/api/dashboard/links');
    const url = `${s.context.server}/login#link=${link}`;
    printAs(s.format, { url }, () => url);
  });
}
