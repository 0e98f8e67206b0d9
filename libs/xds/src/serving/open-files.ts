import { readFileSync } from 'node:fs';
import type { Log } from '#libs/kernel';

/** Part of the files that the process may open which connections may take: the others are for its database, logs and files. */
const SHARE = 0.75;

/** Files that this process may open; `undefined` where the system does not say. Node raises the soft limit to the hard one. */
function openFileLimit(): number | undefined {
  try {
    const limit = Number(
      /^Max open files\s+(?<soft>\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.groups?.['soft'],
    );
    return limit > 0 ? limit : undefined;
  } catch {
    return undefined; // not Linux
  }
}

/** The number of connections wanted, or the lower one that the limit of open files permits; then it says so (REL-45). */
export function openFilesFor(wanted: number, log: Log): number {
  const limit = openFileLimit();
  const bearable = limit === undefined ? wanted : Math.floor(limit * SHARE);
  if (bearable >= wanted) return wanted;
  log.warn('the limit of open files permits fewer connections than configured: raise it (ulimit -n, LimitNOFILE)', {
    limit,
    connections: bearable,
    configured: wanted,
  });
  return bearable;
}
