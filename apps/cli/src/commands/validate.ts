import { Command } from 'commander';
import { printId } from '#libs/model';
import { readDocuments, type SourceDocument } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
import { kinds } from '../kinds.js';
import { parseFormat, printAs } from '../output.js';

interface Finding {
  readonly from: string;
  readonly resource: string;
  readonly severity: 'error' | 'warning';
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export function validateCommand(): Command {
  return new Command('validate')
    .description('check manifests without a control plane')
    .requiredOption('-f, --file <path>', 'file, directory, or - for standard input')
    .option('-m, --mesh <name>', 'mesh that they are for', 'default')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((flags: { file: string; mesh: string; output: string }) => {
      const documents = readDocuments(flags.file);
      const findings = documents.flatMap((document) => check(document, flags.mesh));
      const errors = findings.filter((finding) => finding.severity === 'error').length;
      printAs(parseFormat(flags.output), { documents: documents.length, findings }, () =>
        report(findings, documents.length, errors),
      );
      if (errors > 0)
        throw new CliError(
          `${errors} ${errors === 1 ? 'error' : 'errors'} in ${documents.length} documents`,
          EXIT.refused,
        );
    });
}

function check({ from, document }: SourceDocument, mesh: string): Finding[] {
  const parsed = kinds().parse(document, mesh);
  const resource = parsed.ok
    ? printId({ kind: parsed.value.manifest.kind, ...parsed.value.manifest.metadata })
    : nameOf(document);
  const violations = parsed.ok ? parsed.value.warnings : parsed.error;
  return violations.map(({ path, code, message }) => ({
    from,
    resource,
    severity: parsed.ok ? 'warning' : 'error',
    path,
    code,
    message,
  }));
}

function nameOf(document: unknown): string {
  if (typeof document !== 'object' || document === null) return 'not an object';
  const { kind, metadata } = document as { kind?: unknown; metadata?: { name?: unknown } };
  return `${String(kind ?? '?')} ${String(metadata?.name ?? '?')}`;
}

function report(findings: readonly Finding[], documents: number, errors: number): string {
  const lines = findings.map(
    (one) => `${one.severity}: ${one.from}: ${one.resource} ${one.path || '/'}: ${one.message} [${one.code}]`,
  );
  return [...lines, errors === 0 ? `${documents} ${documents === 1 ? 'document is' : 'documents are'} valid` : '']
    .filter(Boolean)
    .join('\n');
}
