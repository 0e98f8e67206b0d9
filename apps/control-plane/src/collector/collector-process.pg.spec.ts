import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../libs/testing/src/postgres/index.js';
import { Launchpad, ready } from '../testing/process.js';

const launchpad = new Launchpad();
let database: TestDatabase | undefined;

afterAll(async () => {
  await launchpad.cleanUp();
  await database?.drop();
});

/** Processes that a process has started and that still run, by what they were started with. */
function childrenOf(pid: number): { pid: number; command: string }[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter((child) => child !== '')
    .map((child) => ({ pid: Number(child), command: readFileSync(`/proc/${child}/cmdline`, 'utf8') }));
}

const runs = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('the collector runs beside its control plane, has no secrets among its arguments, and ends with it', async () => {
  database = await createTestDatabase({ empty: true });
  const run = launchpad.launch('--database-url', database.url);
  await ready(run);
  const parent = run.child.pid ?? 0;
  const collectors = childrenOf(parent).filter(({ command }) => command.includes('collector/worker'));
  expect(collectors).toHaveLength(1);
  const [{ pid, command } = { pid: 0, command: '' }] = collectors;
  expect(command).not.toContain('postgres://');
  expect(runs(pid)).toBe(true);
  process.kill(parent, 'SIGKILL');
  await run.ended;
  await expect.poll(() => runs(pid)).toBe(false);
});

it('is not started when nobody wants it', async () => {
  database ??= await createTestDatabase({ empty: true });
  const run = launchpad.launch('--database-url', database.url, '--telemetry-collector', 'off');
  await ready(run);
  expect(childrenOf(run.child.pid ?? 0)).toEqual([]);
});
