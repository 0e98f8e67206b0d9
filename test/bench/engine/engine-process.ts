import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Target } from './lean-client.js';
import type { EngineState, Order, Started } from './server.js';

export interface EngineOptions {
  readonly transport: 'plain' | 'tls';
  readonly carrier: 'http2' | 'grpc-js';
  /** Writes a CPU profile into the working directory. */
  readonly profile: boolean;
}

/** The engine in a process of its own, so that what it costs can be told from what its clients cost. */
export class EngineProcess {
  private constructor(
    readonly target: Target,
    private readonly child: ChildProcess,
  ) {}

  static async start({ transport, carrier, profile }: EngineOptions): Promise<EngineProcess> {
    const program = join(import.meta.dirname, 'server.js');
    const child = spawn(
      process.execPath,
      ['--expose-gc', ...(profile ? ['--cpu-prof'] : []), program, transport, carrier],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    const [{ port, caPem }] = (await once(child, 'message')) as [Started];
    return new EngineProcess({ port, caPem: transport === 'tls' ? caPem : undefined }, child);
  }

  push(number: number): void {
    this.#order({ do: 'push', number });
  }

  /** @param collect after a collection of garbage, for the row of memory */
  async state(collect = false): Promise<EngineState> {
    const answer = once(this.child, 'message');
    this.#order({ do: 'state', collect });
    const [state] = (await answer) as [EngineState];
    return state;
  }

  /** Resolves when it has taken so many requests since its start. */
  async taken(requests: number): Promise<void> {
    const answer = once(this.child, 'message');
    this.#order({ do: 'tell when', requests });
    await answer;
  }

  async stop(): Promise<void> {
    this.child.disconnect();
    await once(this.child, 'exit');
  }

  #order(order: Order): void {
    this.child.send(order);
  }
}
