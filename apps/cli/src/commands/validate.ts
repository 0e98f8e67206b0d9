import { Command } from 'commander';
import { createRegistry, printId, type Registry } from '#libs/model';
import { policies } from '#policies';
import { readDocuments, type SourceDocument } from '../documents.js';
import { CliError, EXIT } from '../exit-codes.js';
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
    .requiredOption('-f, --file <path...>', 'files, directories, or - for standard input; may be repeated')
    .option('-m, --mesh <name>', 'mesh that they are for', 'default')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((flags: { file: string[]; mesh: string; output: string }) => {
      const documents = readDocuments(flags.file);
      const registry = createRegistry(policies);
      const findings = documents.flatMap((document) => check(document, flags.mesh, registry));
      const errors = findings.filter((finding) => finding.severity === 'error').length;
      printAs(parseFormat(flags.output), { documents: documents.length, findings }, () =>
        report(findings, documents.length, errors),
      );
      if (errors > 0)
        throw new CliError(`${counted(errors, 'error')} in ${counted(documents.length, 'document')}`, EXIT.refused);
    });
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function check({ from, document }: SourceDocument, mesh: string, registry: Registry): Finding[] {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    const message = 'must be an object with apiVersion, kind, metadata';
    return [{ from, resource: '', severity: 'error', path: '', code: 'invalid-type', message }];
  }
  const parsed = registry.parse(document, mesh);
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

/** As far as the document says; empty when it says nothing. */
function nameOf(document: object): string {
  const { kind, metadata } = document as { kind?: unknown; metadata?: { name?: unknown } | null };
  return [kind, metadata?.name].filter((part) => typeof part === 'string').join(' ');
}

function report(findings: readonly Finding[], documents: number, errors: number): string {
  const lines = findings.map(
    ({ severity, from, resource, path, message, code }) =>
      `${[severity, from, [resource, path].filter(Boolean).join(' ')].filter(Boolean).join(': ')}: ${message} [${code}]`,
  );
  return [...lines, errors === 0 ? `${documents} ${documents === 1 ? 'document is' : 'documents are'} valid` : '']
    .filter(Boolean)
    .join('\n');
}
