import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { HttpRequest, HttpResponse } from '../http.js';
import { ProblemError } from '../problem.js';

/** Most streams of events at once: of one token, and of all. */
export const STREAMS_OF_ONE = 16;
export const STREAMS_OF_ALL = 1_000;

/** Streams of events that are open here. They end when the server stops: clients go on at another replica. */
@Injectable()
export class OpenStreams implements OnModuleDestroy {
  readonly #open = new Map<string, number>();
  readonly #ends = new Set<() => void>();
  #count = 0;

  /** Counts it until its answer is closed. @throws ProblemError 429 */
  admit({ principal }: HttpRequest, response: HttpResponse): void {
    const caller = principal?.type === 'api' ? principal.id : '';
    const own = this.#open.get(caller) ?? 0;
    if (own >= STREAMS_OF_ONE) throw tooMany(`this token has ${own} streams of events open: close one`);
    if (this.#count >= STREAMS_OF_ALL)
      throw tooMany('too many streams of events are open here: ask for the change itself');
    this.#add(caller, 1);
    response.once('close', () => this.#add(caller, -1));
  }

  /** @param end is called when the server stops. @returns to be called when the stream has ended by itself */
  onStop(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  onModuleDestroy(): void {
    for (const end of [...this.#ends]) end();
  }

  #add(caller: string, by: 1 | -1): void {
    this.#count += by;
    const own = (this.#open.get(caller) ?? 0) + by;
    if (own > 0) this.#open.set(caller, own);
    else this.#open.delete(caller);
  }
}

const tooMany = (detail: string): ProblemError =>
  new ProblemError(429, 'too-many-streams', detail, { headers: { 'Retry-After': '5' } });
