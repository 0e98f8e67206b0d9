/** Why the process ended, for supervisors and scripts. 0 = it was asked to stop. */
export const EXIT = {
  /** A mistake of Heddle; the log has it. */
  internal: 1,
  /** A setting is wrong: nothing was started. */
  configuration: 2,
  /** A port is taken or may not be used. */
  port: 3,
  /** The database cannot be reached, is not the one it was, or is of a version that this build cannot use. */
  database: 4,
  /** Another control plane uses the data directory, or it cannot be used. */
  dataDirectory: 5,
  /** The key-encryption key is lost, unreadable or a wrong one. */
  key: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The control plane cannot start; the message is one line that says what to do. */
export class StartError extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message.replaceAll(/\s*\n\s*/g, '; '), options);
    this.name = 'StartError';
  }
}

/** The `code` of a system error, '' when it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
