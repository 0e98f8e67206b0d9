import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SentWrite } from '../../../libs/testing/src/faults/index.js';
import { WRITE_HEADER } from './prober.js';
import type { Replica } from './replica.js';

const SHOP = '/api/v1/meshes/default/namespaces/shop';
const TIMEOUT_MS = 20_000;

export interface WriteAnswer {
  /** 0: no answer. */
  readonly status: number;
  readonly text: string;
  readonly retryAfter: number;
}

export const route = (write: number): unknown => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'back', namespace: 'shop' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'back' }],
    rules: [
      {
        filters: [
          {
            type: 'ResponseHeaderModifier',
            responseHeaderModifier: { set: [{ name: WRITE_HEADER, value: String(write) }] },
          },
        ],
        backendRefs: [{ name: 'back', port: 8080 }],
      },
    ],
  },
});

export const service = (name: string): unknown => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: 8080, protocol: 'http' }], selector: { matchLabels: { app: name } } },
});

/** Writes over REST and keeps what it was told about each: what the invariants of history are judged by. */
export class Writer {
  /** Number of the newest acknowledged write of the route. */
  newest = 0;
  /** Services that were deleted, acknowledged or not: what may be missing in Envoys. */
  deletions = 0;
  readonly #sent = new Map<string, SentWrite>();
  #numbers = 0;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(
    private readonly replicas: () => readonly Replica[],
    private readonly token: string,
  ) {}

  get sent(): readonly SentWrite[] {
    return [...this.#sent.values()];
  }

  /** One attempt at one replica. The same key again is the same write. */
  async attempt(replica: Replica, path: string, document: unknown, key: string): Promise<WriteAnswer> {
    const method = document === undefined ? 'DELETE' : 'PUT';
    try {
      const response = await fetch(`${replica.url}${SHOP}/${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          authorization: `Bearer ${this.token}`,
        },
        ...(document === undefined ? {} : { body: JSON.stringify(document) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      return { status: response.status, text, retryAfter: Number(response.headers.get('retry-after') ?? 0) };
    } catch (error) {
      return { status: 0, text: String(error), retryAfter: 0 };
    }
  }

  /** Writes the next number into the route, once. @returns the number, and the answer */
  async write(
    replica?: Replica,
  ): Promise<{ readonly write: number; readonly key: string; readonly answer: WriteAnswer }> {
    const write = ++this.#numbers;
    const key = `w-${write}-${randomUUID().slice(0, 8)}`;
    const answer = await this.#send(
      replica ?? this.#any(write),
      { path: 'httproutes/back', name: 'HTTPRoute/back' },
      route(write),
      key,
    );
    if (isDone(answer)) this.newest = Math.max(this.newest, write);
    return { write, key, answer };
  }

  /** Writes until it is acknowledged, wherever somebody takes it: the same key all the time. @returns the number */
  async writeSurely(ms = 60_000): Promise<number> {
    const write = ++this.#numbers;
    const key = `w-${write}-${randomUUID().slice(0, 8)}`;
    await this.#surely({ path: 'httproutes/back', name: 'HTTPRoute/back' }, route(write), key, ms);
    this.newest = Math.max(this.newest, write);
    return write;
  }

  /** Makes a service, or deletes it, surely. */
  async put(name: string): Promise<void> {
    await this.#surely({ path: `services/${name}`, name: `Service/${name}` }, service(name), `p-${randomUUID()}`);
  }

  async remove(name: string): Promise<void> {
    this.deletions += 1;
    await this.#surely({ path: `services/${name}`, name: `Service/${name}` }, undefined, `d-${randomUUID()}`);
  }

  /** The database has lost writes, as the fault was: what was said so far says nothing of it. */
  forget(): void {
    this.#sent.clear();
  }

  /** Writes all the time, each at another replica, until it is stopped. What fails is not tried again. */
  begin(pauseMs = 100): void {
    this.#stopped = false;
    this.#running = (async () => {
      while (!this.#stopped) {
        await this.write();
        await sleep(pauseMs);
      }
    })();
  }

  async end(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#running = undefined;
  }

  async #surely(what: { path: string; name: string }, document: unknown, key: string, ms = 60_000): Promise<void> {
    const until = performance.now() + ms;
    for (let n = 0; ; n++) {
      const answer = await this.#send(this.#any(n), what, document, key);
      if (isDone(answer)) return;
      if (answer.status !== 0 && answer.status !== 503)
        throw new Error(`${what.name} was refused: ${answer.status} ${answer.text}`);
      if (performance.now() > until)
        throw new Error(`${what.name} could not be written within ${ms} ms: ${answer.text}`);
      await sleep(100);
    }
  }

  #any(n: number): Replica {
    const all = this.replicas().filter((replica) => replica.alive && !replica.frozen);
    const one = all[n % Math.max(1, all.length)] ?? this.replicas()[0];
    if (one === undefined) throw new Error('there is no replica');
    return one;
  }

  async #send(
    replica: Replica,
    what: { readonly path: string; readonly name: string },
    document: unknown,
    key: string,
  ): Promise<WriteAnswer> {
    const value = document === undefined ? undefined : key;
    // Noted before it is sent: whatever happens to the test, a write that may have arrived is known.
    this.#note({ key, name: what.name, value, outcome: 'unknown' });
    const answer = await this.attempt(replica, what.path, document, key);
    const outcome = isDone(answer) ? 'acknowledged' : isFinal(answer) ? 'refused' : 'unknown';
    this.#note({ key, name: what.name, value, outcome });
    return answer;
  }

  /** Once acknowledged, always acknowledged. */
  #note(write: SentWrite): void {
    if (this.#sent.get(write.key)?.outcome !== 'acknowledged') this.#sent.set(write.key, write);
  }
}

export const isDone = (answer: WriteAnswer): boolean => answer.status >= 200 && answer.status < 300;
const isFinal = ({ status }: WriteAnswer): boolean => status >= 400 && status < 500;
