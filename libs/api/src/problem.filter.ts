import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Log } from '#libs/kernel';
import { DatabaseDistrusted, StoreUnavailable } from '#libs/store';
import type { DenialAudit } from './audit/denial-audit.js';
import { actorOf, type HttpRequest, type HttpResponse } from './http.js';
import { type Problem, ProblemError } from './problem.js';

/** Seconds after which a client may try again while Postgres is away. */
const RETRY_AFTER_S = 2;
/** Milliseconds that a client gets to stop sending what nobody reads (SEC-39). */
const DROP_REST_MS = 1_000;

/** Turns everything that is thrown below it into problem details (RFC 9457); what nobody expected is logged and says nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly databaseName: string,
    private readonly denials: Pick<DenialAudit, 'note'>,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const response = http.getResponse<HttpResponse>();
    const answer = this.answer(error, request);
    if (answer.problem.status === 403) this.noteDenial(answer, request);
    sendProblem(request, response, answer);
  }

  private answer(error: unknown, request: HttpRequest): ProblemError {
    if (error instanceof ProblemError) return error;
    // REL-4: to a caller a database that is not trusted is one that is away.
    if (error instanceof StoreUnavailable || error instanceof DatabaseDistrusted) return this.databaseAway(error);
    if (error instanceof HttpException) return fromNest(error);
    // Express's own refusals (an address that does not decode) have a status and a text that repeats the request.
    if (error instanceof URIError) return new ProblemError(400, 'bad-address', 'the address is not well-formed');
    this.log.error('request failed', { requestId: request.requestId, method: request.method, error });
    return new ProblemError(500, 'internal', `an error of Heddle; its log has it under request ${request.requestId}`);
  }

  /** Who tried what he may not: for whoever watches, and for whoever is asked to give the role. */
  private noteDenial({ problem }: ProblemError, request: HttpRequest): void {
    this.denials.note(problem, request);
    const { name, role, ip } = actorOf(request);
    const { method, requestId } = request;
    this.log.warn('a caller was refused', { requestId, caller: name, role, ip, method, missing: problem.missing });
  }

  private databaseAway(error: Error): ProblemError {
    this.log.warn('database unavailable', { reason: error.message });
    return new ProblemError(
      503,
      'database-unavailable',
      `the database (${this.databaseName}) cannot be reached; nothing was written; proxies keep what they have; try again`,
      { headers: { 'Retry-After': String(RETRY_AFTER_S) } },
    );
  }
}

function fromNest(error: HttpException): ProblemError {
  const status = error.getStatus();
  // Nest's texts repeat the address: an error answer reflects nothing (SEC-47).
  if (status === 404) return new ProblemError(404, 'no-such-endpoint', 'there is no such endpoint: see /api/docs');
  return new ProblemError(status, 'refused', 'the request was refused');
}

/** Writes a problem: the one way in which an error leaves this process. */
export function sendProblem(request: HttpRequest, response: HttpResponse, error: ProblemError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem: Problem = { ...error.problem, requestId: request.requestId };
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  response.statusCode = error.problem.status;
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.end(JSON.stringify(problem));
  if (!request.complete) dropRest(request);
}

/** The rest of a body that was refused half way is thrown away for a moment: to end the connection at once would lose the answer. */
function dropRest(request: HttpRequest): void {
  const timer = setTimeout(() => request.socket.destroy(), DROP_REST_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.resume();
}
