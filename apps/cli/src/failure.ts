import { ControlPlaneError, ControlPlaneUnreachable, LauncherError } from '#libs/launcher/errors';
import { CliError, EXIT } from './exit-codes.js';
import { fileProblem } from './files.js';

/** How a command ended that did not succeed. */
export interface Failure {
  readonly code: number;
  /** For people; the first is the message. */
  readonly lines: readonly string[];
}

/** What to say of anything that was thrown: a stack trace only for mistakes of Heddle, and only when it is asked for. */
export function failureOf(error: unknown, env: NodeJS.ProcessEnv): Failure {
  if (error instanceof CliError) return { code: error.code, lines: [error.message, ...error.details] };
  if (error instanceof LauncherError) return { code: codeOf(error), lines: [oneLine(error.message)] };
  const problem = fileProblem(error);
  if (problem !== undefined) return { code: EXIT.refused, lines: [problem] };
  const message = `internal error: ${oneLine(error instanceof Error ? error.message : String(error))}`;
  const trace = error instanceof Error ? (error.stack ?? '') : '';
  return {
    code: EXIT.internal,
    lines: env['HEDDLE_DEBUG'] === '1' ? [message, trace] : [`${message} (HEDDLE_DEBUG=1 shows where)`],
  };
}

function codeOf(error: LauncherError): number {
  if (error instanceof ControlPlaneUnreachable) return EXIT.unreachable;
  return error instanceof ControlPlaneError ? exitCodeOf(error.status) : EXIT.refused;
}

/** The exit code for an HTTP status that is not a success. */
export function exitCodeOf(status: number): number {
  if (status === 404) return EXIT.notFound;
  if (status === 401 || status === 403 || status >= 500) return EXIT.unreachable;
  return EXIT.refused;
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, '; ');
