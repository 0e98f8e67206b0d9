/** Exit codes of the CLI: programs may rely on them. `heddle up` passes on those of the control plane instead. */
export const EXIT = {
  ok: 0,
  /** The documents or the request were refused; nothing was changed. */
  refused: 1,
  /** Wrong flags or arguments. */
  usage: 2,
  /** The control plane could not be reached, or did not accept the token. */
  unreachable: 3,
  notFound: 4,
  /** The change was applied, but at least one proxy refused it. */
  proxyRefused: 5,
  /** The change was applied, but not every proxy has answered in time. */
  undelivered: 6,
  /** The change was taken back by itself, or waits for somebody's decision. */
  reverted: 7,
  /** A mistake of Heddle (EX_SOFTWARE of sysexits). */
  internal: 70,
  /** Ctrl-C, as shells say it: 128 + SIGINT. */
  interrupted: 130,
} as const;

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** For people. */
const MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'refused, nothing was changed',
  2: 'wrong usage',
  3: 'control plane unreachable, or token not accepted',
  4: 'not found',
  5: 'applied, but a proxy refused it',
  6: 'applied, but not every proxy has it yet',
  7: 'taken back by itself, or it waits for your decision',
  70: 'a mistake of Heddle (HEDDLE_DEBUG=1 shows where)',
  130: 'Ctrl-C; what was applied stays and goes on',
};

/** `  5    applied, but a proxy refused it`: a line for each. */
export const exitCodeLines = (): readonly string[] =>
  Object.entries(MEANINGS).map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`);

/** Ends the command: the message for people, the code for programs. */
export class CliError extends Error {
  constructor(
    message: string,
    /** One of `EXIT`; of `heddle up`, whatever the control plane ended with. */
    readonly code: number,
    /** One line each: what is wrong and where. */
    readonly details: readonly string[] = [],
  ) {
    super(message);
    this.name = 'CliError';
  }
}

/** Ends the command with a code that says it all: everything has been printed. */
export class Ended extends Error {
  constructor(readonly code: number) {
    super(`ended with ${code}`);
    this.name = 'Ended';
  }
}
