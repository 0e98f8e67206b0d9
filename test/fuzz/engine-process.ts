import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Command, EngineOptions, Figures } from './engine-protocol.js';

/** As compiled by `npm run build`, from wherever this file runs. */
const PROGRAM = join(
  import.meta.dirname.replace(/\/dist\/test\/fuzz$/, '/test/fuzz'),
  '../../dist/test/fuzz/engine.js',
);

/** An engine in a process of its own. */
export class EngineProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** @param openFiles limit of files that it may open; default: what there is */
  static async start(options: EngineOptions, openFiles?: number): Promise<EngineProcess> {
    const run = [process.execPath, '--expose-gc', PROGRAM];
    const limited = openFiles === undefined ? run : ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...run];
    const [command = '', ...args] = limited;
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ENGINE: JSON.stringify(options) },
    });
    const [{ answer }] = (await once(child, 'message')) as [{ answer: number }];
    return new EngineProcess(child, answer);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** One at a time. */
  async ask<Answer>(command: Command): Promise<Answer> {
    const answered = once(this.child, 'message') as Promise<[{ answer: Answer }]>;
    this.child.send(command);
    return (await answered)[0].answer;
  }

  figures(): Promise<Figures> {
    return this.ask({ do: 'figures' });
  }

  /** @returns its exit code; null when the signal ended it */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<number | null> {
    if (!this.alive) return this.child.exitCode;
    const ended = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill(signal);
    return (await ended)[0];
  }
}
