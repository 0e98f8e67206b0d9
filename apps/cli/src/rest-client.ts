import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type ProblemDetails, summaryOf } from '#libs/launcher/errors';
import type { Context } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { exitCodeOf } from './failure.js';
import { unreachable } from './unreachable.js';

interface Problem extends ProblemDetails {
  readonly violations?: readonly {
    readonly path: string;
    readonly message: string;
    /** Which manifest of the request, from 0. */
    readonly document?: number;
    readonly resource?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
  }[];
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where each manifest of the request came from, to name it in errors. */
  readonly sources?: readonly string[];
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/** The server has answered, with something that is not a success. */
export class AnswerError extends CliError {
  constructor(
    readonly status: number,
    message: string,
    details: readonly string[] = [],
  ) {
    super(message, exitCodeOf(status), details);
  }
}

/** The admin API as the CLI uses it: problem details become messages that name the field and the fix. */
export class RestClient {
  constructor(private readonly context: Pick<Context, 'server' | 'token' | 'ca'>) {
    // `fetch` cannot be told an authority for one call, and this process talks to one control plane.
    if (context.ca !== undefined) setDefaultCACertificates([...getCACertificates(), context.ca]);
  }

  get<T>(path: string): Promise<T> {
    return this.send<T>('GET', path);
  }

  /** @throws CliError for every answer that is not a success */
  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.fetch(method, path, options);
    const text = await response.text();
    if (!response.ok)
      throw asError({ what: `${method} ${path}`, sources: options.sources ?? [] }, response.status, text);
    try {
      return (text ? JSON.parse(text) : undefined) as T;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const message = `${this.context.server} answered with something that is no JSON: is it a Heddle control plane?`;
      throw new CliError(message, EXIT.unreachable);
    }
  }

  /** The lines of an answer as they come. @throws CliError for every answer that is not a success, or that is cut off */
  async *lines(method: string, path: string, options: RequestOptions = {}): AsyncGenerator<string> {
    const response = await this.fetch(method, path, options);
    if (!response.ok || response.body === null)
      throw asError({ what: `${method} ${path}`, sources: [] }, response.status, await response.text());
    let rest = '';
    try {
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + part).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      throw unreachable(this.context.server, error);
    }
    if (rest !== '') yield rest;
  }

  private async fetch(method: string, path: string, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { ...options.headers };
    if (this.context.token) headers['authorization'] = `Bearer ${this.context.token}`;
    if (options.body !== undefined) headers['content-type'] = options.contentType ?? 'application/json';
    try {
      return await fetch(`${this.context.server}${path}`, {
        method,
        headers,
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
    } catch (error) {
      throw unreachable(this.context.server, error);
    }
  }
}

function asError(request: { what: string; sources: readonly string[] }, status: number, text: string): CliError {
  const problem = parseProblem(text);
  const details = (problem.violations ?? []).map(({ path, message: words, resource, document }) => {
    const source = request.sources[document ?? -1];
    const where = resource?.kind
      ? `${resource.kind} ${resource.namespace ? `${resource.namespace}/` : ''}${resource.name ?? ''}`
      : '';
    return [source, [where, path].filter(Boolean).join(' '), words].filter(Boolean).join(': ');
  });
  const summary = summaryOf(problem);
  if (summary !== undefined) return new AnswerError(status, summary, details);
  const [only, ...others] = details;
  if (only === undefined) return new AnswerError(status, `${request.what} was answered with ${status}`);
  return others.length === 0
    ? new AnswerError(status, only)
    : new AnswerError(status, `refused: ${details.length} errors`, details);
}

function parseProblem(text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch (error) {
    if (error instanceof SyntaxError) return { detail: text.slice(0, 500) || 'the answer was empty' };
    throw error;
  }
}
