import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

/** A parent that guards one child (a long sleep), prints the child's pid and then does as it is told. */
const PARENT = `
  const { spawn } = await import('node:child_process');
  const { endWithParent } = await import(process.argv[1]);
  const child = spawn('sleep', ['300'], { stdio: 'ignore' });
  endWithParent(child);
  child.unref();
  console.log(child.pid);
  if (process.argv[2] === 'exit') setTimeout(() => process.exit(0), 100);
  else setInterval(() => {}, 1000);
`;

describe('a guarded process', () => {
  it.each(['SIGKILL', 'exit'])('ends when its parent ends by %s', async (how) => {
    const guard = `${import.meta.dirname}/process-guard.ts`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', PARENT, guard, how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    await sleep(100); // The guard must have read the pid: it was written before the line was.
    if (how === 'SIGKILL') parent.kill('SIGKILL');
    for (let i = 0; i < 500 && isAlive(pid); i++) await sleep(20);
    expect(isAlive(pid)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
