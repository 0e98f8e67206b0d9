import { Agent, request } from 'node:http';
import type { Hop } from './shop/hop.js';
import { OUTBOUND_HTTP_PORT, outboundAddress, type ReplicaPlan } from './topology.js';

export interface Call {
  readonly host: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Answer {
  /** 0 when the connection failed. */
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** A request to a service of the mesh, sent like an application beside this replica would: through its sidecar. */
export function callAs(replica: ReplicaPlan, call: Call): Promise<Answer> {
  return send({ address: outboundAddress(replica), port: OUTBOUND_HTTP_PORT, call });
}

export async function askAs(replica: ReplicaPlan, call: Call): Promise<Hop> {
  const answer = await callAs(replica, call);
  if (answer.status !== 200)
    throw new Error(
      `${call.method ?? 'GET'} http://${call.host}${call.path} as ${replica.name}: ${answer.status} ${answer.body}`,
    );
  return JSON.parse(answer.body) as Hop;
}

export function send(target: {
  readonly address: string;
  readonly port: number;
  readonly call: Call;
}): Promise<Answer> {
  const { address, port, call } = target;
  const begun = performance.now();
  return new Promise((resolve) => {
    const done = (status: number, body: string): void => resolve({ status, body, ms: performance.now() - begun });
    const sent = request(
      {
        host: address,
        port,
        method: call.method ?? 'GET',
        path: call.path,
        headers: { host: call.host, ...call.headers },
        agent,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => done(response.statusCode ?? 0, Buffer.concat(parts).toString()));
        response.on('error', (error) => done(0, String(error)));
      },
    );
    sent.setTimeout(call.timeoutMs ?? 10_000, () => sent.destroy(new Error('timeout')));
    sent.on('error', (error) => done(0, String(error)));
    sent.end();
  });
}

/** A steady load that runs beside a step and keeps every failure. */
export class Load {
  readonly failures: Answer[] = [];
  readonly versions = new Map<string, number>();
  readonly instances = new Map<string, number>();
  sent = 0;
  #running = true;
  readonly #workers: Promise<void>[];

  constructor(
    private readonly from: ReplicaPlan,
    private readonly call: Call,
    workers = 4,
  ) {
    this.#workers = Array.from({ length: workers }, () => this.work());
  }

  /** Forgets what was counted so far; failures are kept. */
  resetCounts(): void {
    this.versions.clear();
    this.instances.clear();
  }

  async stop(): Promise<this> {
    this.#running = false;
    await Promise.all(this.#workers);
    return this;
  }

  private async work(): Promise<void> {
    while (this.#running) {
      const answer = await callAs(this.from, this.call);
      this.sent += 1;
      if (answer.status === 200) this.record(JSON.parse(answer.body) as Hop);
      else this.failures.push(answer);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  private record(answer: Hop): void {
    this.versions.set(answer.version, (this.versions.get(answer.version) ?? 0) + 1);
    this.instances.set(answer.instance, (this.instances.get(answer.instance) ?? 0) + 1);
  }
}
