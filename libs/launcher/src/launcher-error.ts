/** A failure that the person at the keyboard can mend: the message is one line that says what to do. */
export class LauncherError extends Error {
  override readonly name = 'LauncherError';
}

/** The control plane answered, and said no. */
export class ControlPlaneError extends LauncherError {
  /** HTTP status. */
  readonly status: number;
  /** The rule, `urn:heddle:problem:<code>` without its prefix; empty when the answer was no problem document. */
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** True when the same request may succeed later: the server or its database is away. */
  get temporary(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** Nobody answered: worth another try later. */
export class ControlPlaneUnreachable extends LauncherError {}
