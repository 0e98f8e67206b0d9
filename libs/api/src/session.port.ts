import type { IncomingMessage } from 'node:http';

/** Sessions of browsers: the app that serves pages hands them in. */
export interface SessionPort {
  /**
   * The API token behind the session that a request carries; undefined when it carries none that is still open.
   * @throws ProblemError 403 for a request that a page from elsewhere may have caused (SEC-36)
   */
  tokenOf(request: IncomingMessage): string | undefined;
}
