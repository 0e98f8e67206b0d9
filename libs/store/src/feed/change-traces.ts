/** In which trace a change was made. */
export interface ChangeTrace {
  readonly revision: number;
  /** W3C `traceparent` of its commit. */
  readonly traceparent: string;
  /** When this process learned of it. Milliseconds since the epoch. */
  readonly heardAt: number;
}

/** Most are asked for within milliseconds. */
const KEPT = 256;
/** `config:12 00-<trace id>-<span id>-01`: a part of the hint, so it may be lost as hints may (REL-8), and is believed for nothing else. */
const HINT = /^config:(\d{1,15}) (00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})$/;

/** What hints say of the traces of changes. */
export class ChangeTraces {
  readonly #traces = new Map<number, ChangeTrace>();

  note(trace: ChangeTrace): void {
    if (this.#traces.has(trace.revision)) return;
    this.#traces.set(trace.revision, trace);
    if (this.#traces.size <= KEPT) return;
    for (const oldest of this.#traces.keys()) {
      this.#traces.delete(oldest);
      break;
    }
  }

  /** @param payload of a notification; most say nothing of a trace */
  hear(payload: string | undefined, now: number): void {
    if (payload === undefined || !payload.includes(' ')) return;
    const [, revision, traceparent] = HINT.exec(payload) ?? [];
    if (traceparent !== undefined) this.note({ revision: Number(revision), traceparent, heardAt: now });
  }

  /** Of the revisions after the one and up to the other, oldest first. */
  between(after: number, upTo: number): readonly ChangeTrace[] {
    if (this.#traces.size === 0) return [];
    const found = [...this.#traces.values()].filter(({ revision }) => revision > after && revision <= upTo);
    return found.sort((a, b) => a.revision - b.revision);
  }
}
