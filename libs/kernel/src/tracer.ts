/** The port for spans: what was done in the course of what, and how long it took. `libs/observability` makes it real. */

export type SpanValue = string | number | boolean | readonly string[];
export type SpanValues = Readonly<Record<string, SpanValue>>;

/** A span that is under way. Names of secrets, tokens, header and query values are never told to one. */
export interface Span {
  /** Texts are cut to 256 characters. */
  set(name: string, value: SpanValue): void;
  /** The same on this span, and on the one of the request or job that it is part of. */
  tell(name: string, value: SpanValue): void;
  /** What it turned out to be. */
  rename(name: string): void;
  /** It failed. Of an error only its type is kept: its words may repeat what was sent. */
  fail(error: unknown): void;
}

export interface SpanOptions {
  /** `server`: somebody asked for it. `client`: another process, such as Postgres, works for it. Default: within Heddle. */
  readonly kind?: 'internal' | 'server' | 'client';
  /** W3C `traceparent` to go on with, as it came: what is not one counts as none. Default: the span that is under way. */
  readonly parent?: string | undefined;
  readonly values?: SpanValues;
}

/** Of a job: whatever was under way when it was started, it is no part of that. */
export const AS_ROOT: SpanOptions = { parent: undefined };

/** Something that is over. */
export interface PastSpan {
  readonly name: string;
  /** W3C `traceparent`. */
  readonly parent: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly values?: SpanValues;
}

/** Never throws on its own account, never waits. */
export interface Tracer {
  /** False: nothing is kept, so nothing need be gathered for it. */
  readonly on: boolean;
  /** Runs `work` in a span, which ends when it returns or its promise is settled; what it throws makes it a failure. */
  run<T>(name: string, work: (span: Span) => T, options?: SpanOptions): T;
  /** W3C `traceparent` of the span that is under way, for whoever goes on with it elsewhere; undefined = it is not kept. */
  current(): string | undefined;
  /** Keeps something that is over. @returns its `traceparent`; the parent's where it is not kept */
  record(span: PastSpan): string;
}
