import { err, ok, type Result, type Violation } from '#libs/kernel';
import type { Kind } from './define-kind.js';
import { deepFreeze } from './freeze.js';
import { violation, warning } from './issues.js';
import { indexNames } from './kind-names.js';
import { BUILT_IN } from './kinds/built-in.js';
import { roleKind } from './kinds/role.js';
import { roleBindingKind } from './kinds/role-binding.js';
import { parseMetadata } from './metadata.js';
import type { PolicyKind } from './policy.js';
import { policyManifestKind } from './policy-manifest.js';
import type { ParsedManifest, Registry } from './registry.js';
import { quote } from './schema-parts.js';
import { isPlainObject, structureViolations } from './structure.js';
import { didYouMean } from './suggest.js';

/**
 * The registry of all kinds: those of the model and the given policy kinds.
 * @throws Error when two kinds share a name, plural or alias: a mistake of the program, not of a user
 */
export function createRegistry(policies: readonly PolicyKind[]): Registry {
  const configuration = [...BUILT_IN, ...policies.map(policyManifestKind), roleBindingKind];
  const kinds = [...configuration, roleKind(['Role', ...configuration.map(({ info }) => info.kind)])];
  const byKind = new Map(kinds.map((kind) => [kind.info.kind, kind]));
  const byName = indexNames(kinds.map(({ info }) => info));
  return {
    kinds: kinds.map((kind) => kind.info),
    find: (name) => byName.get(name.toLowerCase()),
    parse: (document, mesh) => parseDocument(document, mesh, byKind),
  };
}

type Parsed = Result<ParsedManifest, readonly Violation[]>;

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

function parseDocument(document: unknown, mesh: string, kinds: ReadonlyMap<string, Kind>): Parsed {
  const structure = structureViolations(document);
  if (structure.length > 0) return err(structure);
  if (!isPlainObject(document))
    return err([violation([], 'invalid-type', 'must be an object with apiVersion, kind, metadata and spec')]);
  const found = findKind(document, kinds);
  const envelope = [...unknownFields(document), ...found.violations];
  return found.kind ? parseKnown(document, mesh, found.kind, envelope) : err(envelope);
}

const unknownFields = (document: Readonly<Record<string, unknown>>): readonly Violation[] =>
  Object.keys(document)
    .filter((key) => !TOP_FIELDS.includes(key))
    .map((key) => violation([key], 'unknown-field', `is not a field here${didYouMean(key, TOP_FIELDS)}`));

function findKind(
  document: Readonly<Record<string, unknown>>,
  kinds: ReadonlyMap<string, Kind>,
): { readonly kind: Kind | undefined; readonly violations: readonly Violation[] } {
  const { kind: name, apiVersion } = document;
  if (typeof name !== 'string')
    return { kind: undefined, violations: [violation(['kind'], 'required', 'is required, as a text')] };
  const kind = kinds.get(name);
  const known = [...kinds.keys()];
  if (!kind) {
    const message = `${quote(name)} is not a kind that is known here${didYouMean(name, known) || `; known are ${known.join(', ')}`}`;
    return { kind, violations: [violation(['kind'], 'unknown-kind', message)] };
  }
  const { accepts } = kind.info;
  if (typeof apiVersion === 'string' && accepts.includes(apiVersion)) return { kind, violations: [] };
  const code = apiVersion === undefined ? 'required' : 'unknown-api-version';
  const got = apiVersion === undefined ? '' : `, not ${quote(apiVersion)}`;
  return {
    kind,
    violations: [violation(['apiVersion'], code, `must be ${accepts.join(' or ')} for kind ${name}${got}`)],
  };
}

function parseKnown(
  document: Readonly<Record<string, unknown>>,
  mesh: string,
  kind: Kind,
  envelope: readonly Violation[],
): Parsed {
  const { info, nameRule } = kind;
  const written = document['metadata'];
  const metadata = isPlainObject(written)
    ? parseMetadata(written, { kind: info.kind, scope: info.scope, nameRule, mesh })
    : {
        metadata: undefined,
        violations: [violation(['metadata'], 'required', 'is required, as an object with a name')],
        warnings: [],
      };
  const home = metadata.metadata;
  const spec = document['spec'] ?? {};
  const { violations, parsed } = kind.parseSpec(spec, home && { mesh, namespace: home.namespace, name: home.name });
  const all = [...envelope, ...metadata.violations, ...violations];
  if (all.length > 0 || !home || !parsed || !isPlainObject(spec)) return err(all);
  const ignored =
    document['status'] === undefined
      ? []
      : [warning(['status'], 'ignored-field', 'is written by the server and was ignored')];
  return ok({
    manifest: { apiVersion: info.apiVersion, kind: info.kind, metadata: home, spec },
    hostnames: parsed.hostnames,
    warnings: [...ignored, ...metadata.warnings, ...parsed.warnings],
    toDomain: (source) => deepFreeze(parsed.toDomain(source)),
  });
}
