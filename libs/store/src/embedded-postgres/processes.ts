import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

// Fields of /proc/PID/stat, counted from 1 as proc(5) does.
const STATE = 3;
const STARTED = 22;

/** True while a process of this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !isZombie(pid);
}

// A child whose parent has not asked for its exit code is dead for our purposes.
function isZombie(pid: number): boolean {
  return statFields(pid)[0] === 'Z';
}

/** Fields of /proc/PID/stat from the third (state) on: the second may hold spaces. Empty where there is no /proc. */
function statFields(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return []; // no such process, or a system without /proc
  }
}

/** When a process was started, in a form that only differs or not: tells a process from a later one with its id. '' = unknown. */
export function startMark(pid: number): string {
  const ticks = statFields(pid)[STARTED - STATE];
  return ticks ?? commandOutput(['-o', 'lstart=', '-p', String(pid)]);
}

/** Command line of a process; '' when there is none. */
export function commandLine(pid: number): string {
  if (existsSync(`/proc/${pid}/cmdline`)) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  return commandOutput(['-o', 'command=', '-p', String(pid)]);
}

function commandOutput(args: readonly string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return ''; // ps fails for a process that does not exist
  }
}

/** Waits until a process is gone. @returns false when it still lives after `ms` */
export async function waitForExit(pid: number, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; performance.now() < deadline; ) {
    if (!isAlive(pid)) return true;
    await sleep(20);
  }
  return !isAlive(pid);
}
