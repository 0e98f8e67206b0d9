import type { Clock, Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../../limits.js';
import { once } from '../admission.js';
import { clientOf } from './address.js';
import { FairQueue } from './fair-queue.js';
import { LoopPace } from './loop-pace.js';

export interface GateOptions {
  /** For metrics. */
  readonly name: 'handshake' | 'stream';
  /** How many may be inside at once. */
  readonly places: number;
  readonly limits: Pick<Limits, 'admissionQueue' | 'admissionWaitMs' | 'admissionTurnMs'>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** True while those who are inside have something to receive: they go first, and newcomers one a turn. */
  readonly busy?: () => boolean;
}

export interface Entrant {
  readonly address: string;
  /** May be called at once. `leave` gives the place back. */
  readonly admit: (leave: () => void) => void;
  readonly refuse: () => void;
}

interface Waiting {
  readonly entrant: Entrant;
  readonly client: string;
  readonly since: number;
  cancelTimer: () => void;
}

/**
 * Lets newcomers in as this process can bear: by the places there are and by how long turns of the event loop take, never
 * by a rate (NET-3, REL-12). Who cannot come in now waits, fairly between addresses, for a bounded time.
 */
export class Gate {
  readonly #queue: FairQueue<Waiting>;
  readonly #pace: LoopPace;
  #inside = 0;

  constructor(private readonly options: GateOptions) {
    const { limits, clock } = options;
    this.#queue = new FairQueue(limits.admissionQueue);
    this.#pace = new LoopPace(clock, limits.admissionTurnMs, () => this.#letIn());
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** @returns withdraws an entrant who waits; does nothing later */
  enter(entrant: Entrant): () => void {
    if (this.#queue.size === 0 && this.#open) {
      this.#count('at_once');
      this.#admit(entrant);
      return () => {};
    }
    return this.#wait(entrant);
  }

  get #open(): boolean {
    return this.#inside < this.options.places && this.#pace.open;
  }

  #wait(entrant: Entrant): () => void {
    const { clock, limits, metrics } = this.options;
    const client = clientOf(entrant.address);
    const waiting: Waiting = { entrant, client, since: clock.monotonic(), cancelTimer: () => {} };
    waiting.cancelTimer = clock.after(limits.admissionWaitMs, () => {
      if (!this.#queue.delete(client, waiting)) return;
      limitHit(metrics, 'admissionWaitMs');
      this.#refuse(waiting);
    });
    const pushedOut = this.#queue.add(client, waiting);
    if (pushedOut) {
      limitHit(metrics, 'admissionQueue');
      this.#refuse(pushedOut);
    }
    this.#showWaiting();
    if (this.#inside < this.options.places) this.#pace.again();
    return () => {
      if (this.#queue.delete(client, waiting)) this.#forget(waiting);
    };
  }

  #letIn(): void {
    const first = this.options.busy?.() ? 1 : Number.POSITIVE_INFINITY;
    for (let n = 0; n < first && this.#open; n++) {
      const next = this.#queue.take();
      if (!next) break;
      this.#forget(next);
      this.#count('queued');
      const { metrics, clock, name } = this.options;
      metrics.observe('xds_admission_wait_seconds', (clock.monotonic() - next.since) / 1000, { gate: name });
      this.#admit(next.entrant);
    }
    if (this.#queue.size > 0 && this.#inside < this.options.places) this.#pace.again();
  }

  #admit(entrant: Entrant): void {
    this.#inside++;
    this.#pace.begin();
    entrant.admit(
      once(() => {
        this.#inside--;
        if (this.#queue.size > 0) this.#pace.again();
      }),
    );
  }

  #refuse(waiting: Waiting): void {
    this.#forget(waiting);
    this.#count('refused');
    waiting.entrant.refuse();
  }

  #forget(waiting: Waiting): void {
    waiting.cancelTimer();
    this.#showWaiting();
  }

  #showWaiting(): void {
    this.options.metrics.gauge('xds_admission_waiting', this.#queue.size, { gate: this.options.name });
  }

  #count(how: 'at_once' | 'queued' | 'refused'): void {
    this.options.metrics.count('xds_admissions_total', { gate: this.options.name, how });
  }
}
