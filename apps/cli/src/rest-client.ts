import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Context } from './context.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
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
    if (response.ok) return (text ? JSON.parse(text) : undefined) as T;
    throw asError({ what: `${method} ${path}`, sources: options.sources ?? [] }, response.status, text);
  }

  private async fetch(method: string, path: string, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { ...options.headers };
    if (this.context.token) headers['authorization'] = `Bearer ${this.context.token}`;
    if (options.body !== undefined) headers['content-type'] = options.contentType ?? 'application/json';
    try {
      return await fetch(`${this.context.server}${path}`, {
        method,
        headers,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new CliError(`the control plane at ${this.context.server} does not answer: ${reason}`, EXIT.unreachable, [
        'is it running? `heddle up` starts one',
      ]);
    }
  }
}

function asError(request: { what: string; sources: readonly string[] }, status: number, text: string): CliError {
  const problem = parseProblem(text);
  const message = problem.detail ?? problem.title ?? `${request.what} was answered with ${status}`;
  const details = (problem.violations ?? []).map(({ path, message: words, resource, document }) => {
    const source = request.sources[document ?? -1];
    const from = source === undefined ? '' : `${source}: `;
    const where = resource?.kind
      ? `${resource.kind} ${resource.namespace ? `${resource.namespace}/` : ''}${resource.name ?? ''} `
      : '';
    return `${from}${where}${path || '/'}: ${words}`;
  });
  return new CliError(message, exitCode(status), details);
}

function parseProblem(text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch (error) {
    if (error instanceof SyntaxError) return { detail: text.slice(0, 500) || 'the answer was empty' };
    throw error;
  }
}

function exitCode(status: number): ExitCode {
  if (status === 404) return EXIT.notFound;
  if (status === 401 || status === 403 || status >= 500) return EXIT.unreachable;
  return EXIT.refused;
}
