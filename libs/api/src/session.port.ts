import type { IncomingMessage } from 'node:http';
import type { ApiPrincipal } from './auth.ports.js';

/** What a session stands for: an API token, or somebody whom an identity provider has named. */
export type SessionHolder =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'user'; readonly principal: ApiPrincipal };

/** Sessions of browsers: the app that serves pages hands them in. */
export interface SessionPort {
  /**
   * Who is behind the session that a request carries; undefined when it carries none that is still open.
   * @throws ProblemError 403 for a request that a page from elsewhere may have caused (SEC-36)
   */
  holderOf(request: IncomingMessage): SessionHolder | undefined;
}
