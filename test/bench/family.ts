/** Processes of this machine by what they are: proc(5). */
import { readdirSync, readFileSync } from 'node:fs';
import { cpuOf } from './cpu.js';

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
};

const pids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
const parentOf = (pid: number): number => Number(text(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] ?? 0);

/** The process that a control plane has started for telemetry; undefined while there is none. */
export const collectorOf = (controlPlane: number): number | undefined =>
  pids().find((pid) => parentOf(pid) === controlPlane && text(`/proc/${pid}/cmdline`).includes('collector'));

/** User and system time of the Postgres of a directory, all its processes, so far: those that have ended, too. Milliseconds. */
export function postgresCpuMs(dataDir: string): number {
  const main = pids().find((pid) => {
    const command = text(`/proc/${pid}/cmdline`);
    return command.includes('postgres') && command.includes(dataDir);
  });
  if (main === undefined) return 0;
  const ended = text(`/proc/${main}/stat`).split(') ')[1]?.split(' ') ?? [];
  const living = pids().filter((pid) => parentOf(pid) === main);
  // Ticks of a hundredth of a second.
  const endedMs = (Number(ended[13]) + Number(ended[14])) * 10;
  return endedMs + [main, ...living].reduce((sum, pid) => sum + (text(`/proc/${pid}/stat`) === '' ? 0 : cpuOf(pid)), 0);
}

/** Megabytes. */
export const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(text(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
