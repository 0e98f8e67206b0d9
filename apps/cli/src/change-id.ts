import { changeId, revisionOf } from '#libs/kernel';
import { CliError, EXIT } from './exit-codes.js';

/** A config revision as people write it: `42`, or the change that it is, `c-42`. @returns undefined when it is none */
export const revisionIn = (text: string): number | undefined =>
  /^\d{1,15}$/.test(text) ? Number(text) : revisionOf(text);

/** The id of a change as people write it: `c-42`, `42`, or of another sort, `s-7`. @throws CliError when it is none */
export function changeOf(text: string): string {
  const revision = revisionIn(text);
  if (revision !== undefined) return changeId(revision);
  if (/^[a-z]{1,8}-\w{1,64}$/.test(text)) return text;
  throw new CliError(`${text} is no change: write c-42, as heddle history shows them`, EXIT.usage);
}
