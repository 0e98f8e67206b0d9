import type { RefusalCode } from '../session/session.view.js';

/** A login that was refused; the message is for the log and holds nothing secret. */
export class LoginRefused extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'LoginRefused';
  }
}
