import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As compiled by `npm run build`: signals and exit codes are those of a process. */
const MAIN = join(import.meta.dirname, '../../../../dist/apps/control-plane/src/main.js');
const READY = /Heddle is ready: REST (\S+), xDS on port (\d+)/;

/** A control plane as a process. */
export interface Run {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: () => string;
  /** Its log so far. */
  readonly logged: () => string;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Control planes that share a directory, and what they leave there. */
export class Launchpad {
  readonly parent = mkdtempSync(join(tmpdir(), 'heddle-control-plane-'));
  readonly dataDir = join(this.parent, 'data');
  readonly #runs: Run[] = [];

  constructor() {
    chmodSync(this.parent, 0o711); // as root, Postgres runs as another user, who has to pass through
  }

  /** @param flags beside the data directory, later ones win; the ports are any free ones */
  launch(...flags: readonly string[]): Run {
    const all = ['--data-dir', this.dataDir, '--rest-port', '0', '--xds-port', '0', ...flags];
    const child = spawn(process.execPath, [MAIN, ...all], { cwd: this.parent, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const ended = once(child, 'close').then(() => child.exitCode);
    const run = { child, said: () => text, logged: () => log, ended };
    this.#runs.push(run);
    return run;
  }

  async cleanUp(): Promise<void> {
    for (const { child } of this.#runs) child.kill('SIGTERM');
    await Promise.all(this.#runs.map((run) => run.ended));
    rmSync(this.parent, { recursive: true, force: true });
  }
}

/** @returns the URL of REST, once it is ready. @throws when it ended before */
export async function ready(run: Run): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  run.child.stderr?.on('data', () => {
    const url = READY.exec(run.said())?.[1];
    if (url !== undefined) resolve(url);
  });
  const first = await Promise.race([promise, run.ended]);
  if (typeof first !== 'string') throw new Error(`it ended with ${first}: ${run.said()}`);
  return first;
}
