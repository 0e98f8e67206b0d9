import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  isSpanContextValid,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { PastSpan, Span, SpanOptions, SpanValue, Tracer } from '#libs/kernel';

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT };
/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00, which is all that is out there. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What is under way, and the request or job that it is part of. */
interface Under {
  readonly span: OtelSpan;
  readonly entry: OtelSpan;
}

/** Ids as a log line has them. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

/** The kernel's tracer on OpenTelemetry's. Which span is under way is known across `await`. */
export class OtlpTracer implements Tracer {
  readonly on = true;
  readonly #under = new AsyncLocalStorage<Under>();

  constructor(private readonly tracer: OtelTracer) {}

  run<T>(name: string, work: (span: Span) => T, options: SpanOptions = {}): T {
    const under = this.#under.getStore();
    const { kind = 'internal', values } = options;
    const context = 'parent' in options ? contextOf(options.parent) : inside(under);
    const span = this.tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...values } }, context);
    const told = new TracedSpan(span, under?.entry ?? span);
    let isOver = true;
    try {
      const done = this.#under.run({ span, entry: under?.entry ?? span }, work, told);
      if (!(done instanceof Promise)) return done;
      isOver = false;
      return done.then(ended(span), failed(span, told)) as T;
    } catch (error) {
      told.fail(error);
      throw error;
    } finally {
      if (isOver) span.end();
    }
  }

  current(): string | undefined {
    const context = this.#under.getStore()?.span.spanContext();
    return context && isSampled(context) ? printed(context) : undefined;
  }

  record({ name, parent, startedAt, endedAt, values }: PastSpan): string {
    const span = this.tracer.startSpan(name, { startTime: startedAt, attributes: { ...values } }, contextOf(parent));
    span.end(endedAt);
    return isSampled(span.spanContext()) ? printed(span.spanContext()) : parent;
  }

  /** Of the span that is under way; undefined outside of any. */
  ids(): TraceIds | undefined {
    const context = this.#under.getStore()?.span.spanContext();
    return context && { trace_id: context.traceId, span_id: context.spanId };
  }
}

class TracedSpan implements Span {
  constructor(
    private readonly span: OtelSpan,
    private readonly entry: OtelSpan,
  ) {}

  set(name: string, value: SpanValue): void {
    this.span.setAttribute(name, typeof value === 'object' ? [...value] : value);
  }

  tell(name: string, value: SpanValue): void {
    this.set(name, value);
    if (this.entry !== this.span) this.entry.setAttribute(name, typeof value === 'object' ? [...value] : value);
  }

  rename(name: string): void {
    this.span.updateName(name);
  }

  fail(error: unknown): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
  }
}

const ended =
  (span: OtelSpan) =>
  <T>(value: T): T => {
    span.end();
    return value;
  };

const failed = (span: OtelSpan, told: Span) => (error: unknown) => {
  told.fail(error);
  span.end();
  throw error;
};

const isSampled = ({ traceFlags }: SpanContext): boolean => (traceFlags & TraceFlags.SAMPLED) !== 0;

const printed = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

const inside = (under: Under | undefined): Context => (under ? trace.setSpan(ROOT_CONTEXT, under.span) : ROOT_CONTEXT);

function contextOf(traceparent: string | undefined): Context {
  const [, traceId = '', spanId = '', flags = '0'] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(context) ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}
