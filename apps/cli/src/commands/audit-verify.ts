import { createPublicKey, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import type { AuditVerdict, OfflineVerdict } from '#libs/store';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { readText, unreadable } from '../files.js';
import { note, parseFormat, printAs } from '../output.js';

/** Of the chain itself, or of an export. */
type Verdict = AuditVerdict | OfflineVerdict;

interface Flags {
  readonly checkpoint?: string[];
  readonly incremental?: boolean;
  readonly export?: string;
  readonly publicKey?: string[];
  readonly output?: string;
}

export function auditVerifyCommand(): Command {
  const command = new Command('verify').description(
    'verify the audit chain; names the first entry that is not as it was written',
  );
  return remote(command)
    .option(
      '--checkpoint <file...>',
      'signed lines that were kept outside of the database: the chain has to agree with them',
    )
    .option('--incremental', 'start after the newest checkpoint that is given')
    .option('--export <file>', 'verify this export instead, without a control plane; - for standard input')
    .option('--public-key <file...>', 'with --export: believe only what this key (PEM) has signed')
    .addHelpText('after', '\nExit codes: 0 it is whole; 1 it is not; others as for every command.')
    .action(async (flags: Flags) => {
      const checkpoints = (flags.checkpoint ?? []).flatMap(readStatements);
      requireSense(flags);
      const format = parseFormat(flags.output ?? 'table');
      const verdict =
        flags.export === undefined
          ? await verifyServed(session(flags), { checkpoints, incremental: flags.incremental === true })
          : await verifyFile(flags.export, checkpoints, flags.publicKey ?? []);
      const text = verdict.ok ? praise(verdict, checkpoints.length) : `entry ${verdict.seq}: ${verdict.reason}`;
      printAs(format, verdict, () => text);
      if (!verdict.ok) throw new CliError('the audit chain is broken', EXIT.refused);
    });
}

function requireSense(flags: Flags): void {
  if (flags.publicKey !== undefined && flags.export === undefined)
    throw new CliError('--public-key goes with --export: a control plane knows its keys', EXIT.usage);
  if (flags.incremental && flags.checkpoint === undefined)
    throw new CliError('--incremental starts after a checkpoint: give it with --checkpoint FILE', EXIT.usage);
  if (flags.incremental && flags.export !== undefined)
    throw new CliError('--incremental is for a control plane: an export is verified whole', EXIT.usage);
}

/** A file of signed lines; other lines of a log are passed over. @throws CliError when there is none in it */
function readStatements(path: string): unknown[] {
  const lines = readText(path)
    .split('\n')
    .filter((line) => line.includes('"heddle-audit-'));
  if (lines.length === 0) throw new CliError(`${path} holds no checkpoint`, EXIT.usage);
  return lines.map((line) => {
    try {
      return JSON.parse(line) as unknown;
    } catch {
      throw new CliError(`${path} holds a checkpoint that is no JSON`, EXIT.usage);
    }
  });
}

async function verifyServed(s: Session, body: { checkpoints: unknown[]; incremental: boolean }): Promise<Verdict> {
  const show = progressLine();
  for await (const line of s.rest.lines('POST', '/api/v1/audit/verify', { body })) {
    const said = JSON.parse(line) as { progress?: { seq: number; head: number }; verdict?: Verdict };
    if (said.progress) show(said.progress.seq, said.progress.head);
    if (said.verdict) return said.verdict;
  }
  throw new CliError('the control plane stopped before it had verified all', EXIT.unreachable);
}

async function verifyFile(path: string, checkpoints: unknown[], keyFiles: readonly string[]): Promise<Verdict> {
  const { verifyExport } = await import('#libs/store');
  const publicKeys = keyFiles.map(readPublicKey);
  const show = progressLine();
  const input = path === '-' ? process.stdin : createReadStream(path);
  try {
    const onProgress = ({ seq }: { seq: number }): void => show(seq);
    return await verifyExport(createInterface({ input, crlfDelay: Infinity }), { checkpoints, publicKeys, onProgress });
  } catch (error) {
    throw error instanceof Error && 'code' in error ? unreadable(path, error) : error;
  }
}

function readPublicKey(path: string): KeyObject {
  const text = readText(path);
  try {
    return createPublicKey(text);
  } catch {
    throw new CliError(`--public-key ${path}: it holds no public key (PEM)`, EXIT.usage);
  }
}

const SHOW_EVERY_MS = 1_000;

/** How far it has come, on standard error, at most once a second. */
function progressLine(): (seq: number, head?: number) => void {
  let next = performance.now() + SHOW_EVERY_MS;
  return (seq, head) => {
    if (performance.now() < next) return;
    next = performance.now() + SHOW_EVERY_MS;
    note(head === undefined ? `verified up to entry ${seq}` : `verified up to entry ${seq} of ${head}`);
  };
}

/** What is known now, and what is not: a claim is worth what vouches for it (without a checkpoint, little). */
function praise(verdict: Verdict & { readonly ok: true }, given: number): string {
  const { entries, from, to, checkpoints } = verdict;
  const key = 'key' in verdict ? verdict.key : '';
  const lines = [`entries ${from} to ${to} are as they were written (${entries}); ${checkpoints} checkpoints agree`];
  if (key) lines.push(`signed by the key ${key}: compare it with the one you know`);
  if (given === 0 && !key)
    lines.push('without --checkpoint this does not show whether the owner of the database rewrote all of it');
  return lines.join('\n');
}
