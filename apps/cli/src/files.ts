import { readFileSync } from 'node:fs';
import { CliError, EXIT } from './exit-codes.js';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is not a directory',
  EEXIST: 'something else is there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the file system is full',
};

/** One line for a file that the system does not let us use, `undefined` for any other error. */
export function fileProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined;
  const words = WORDS[String(error.code)];
  return words && `${String(error.path)} cannot be used: ${words}`;
}

/** Wrong usage: the file named by a flag cannot be read. */
export function unreadable(path: string, error: unknown): CliError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words = WORDS[code] ?? (error instanceof Error ? error.message : String(error));
  return new CliError(`${path} cannot be read: ${words}`, EXIT.usage);
}

/** The text of a file that a flag names, `-` is standard input. @throws CliError when it cannot be read */
export function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A file with one token in it. @throws CliError when it cannot be read or is empty */
export function readTokenFile(path: string): string {
  const token = readText(path).trim();
  if (token !== '') return token;
  throw new CliError(`${path === '-' ? 'standard input' : path} holds no token`, EXIT.usage);
}

/** A PEM file with at least one certificate. @param source the flag or variable that names it, for the message */
export function readCertificates(path: string, source: string): string {
  const text = readText(path);
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new CliError(`${source} ${path}: it holds no certificate (PEM)`, EXIT.usage);
}
