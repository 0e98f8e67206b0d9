import { createInterface } from 'node:readline/promises';
import { CliError, EXIT } from '../exit-codes.js';

/**
 * Asks the person at the terminal.
 * @param documentsFromInput standard input is already spoken for
 * @throws CliError when there is nobody to ask
 */
export async function requireConsent(question: string, documentsFromInput: boolean): Promise<void> {
  requireSomebody(documentsFromInput);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was applied', EXIT.refused);
  } finally {
    terminal.close();
  }
}

/** @throws CliError that says what programs do */
export function requireSomebody(documentsFromInput: boolean): void {
  if (process.stdin.isTTY && process.stderr.isTTY && !documentsFromInput) return;
  const why = documentsFromInput ? 'standard input holds the documents' : 'this is no terminal';
  throw new CliError(`${why}, so nobody can be asked whether to apply the plan`, EXIT.usage, [
    'say --yes to apply at once, or make a plan first: heddle plan -f FILE, then heddle apply --plan ID',
  ]);
}
