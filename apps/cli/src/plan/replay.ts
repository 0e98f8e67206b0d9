/** A file of sample requests, and what became of them. */
import { parseRequestFile, type WrittenRequest, writtenOf } from '#libs/changes';
import { CliError, EXIT } from '../exit-codes.js';
import { readText } from '../files.js';

/** @throws CliError that names every line and field that is wrong */
export function requestsOf(path: string): readonly WrittenRequest[] {
  const read = parseRequestFile(readText(path));
  if (read.ok) return read.value.map(({ request }) => writtenOf(request));
  const [first = '', ...others] = read.error.map(({ message }) => `${path}: ${message}`);
  throw new CliError(first, EXIT.refused, others);
}
