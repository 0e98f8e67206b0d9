import { eachOf, err, ok, type Result, type Steps, type Violation } from '#libs/kernel';
import { type ParsedManifest, printId, type Registry, type ResourceId, resourceKey } from '#libs/model';
import { claimedId, hostnamePath } from './document.js';
import type { ResourceViolation } from './types.js';

/** A document that passed every rule that can be checked without the store. */
export interface CheckedDocument {
  readonly id: ResourceId;
  readonly index: number;
  readonly parsed: ParsedManifest;
}

const at = (resource: ResourceId, document: number, violations: readonly Violation[]): ResourceViolation[] =>
  violations.map((violation) => ({ ...violation, resource, document }));

const idOf = ({ manifest }: ParsedManifest): ResourceId => ({
  kind: manifest.kind,
  namespace: manifest.metadata.namespace,
  name: manifest.metadata.name,
});

/**
 * Parses every document by its kind and compares them with one another. All violations of all documents are reported.
 * @param every so many are one piece
 */
export function* checkDocuments(
  registry: Registry,
  mesh: string,
  documents: readonly unknown[],
  every: number,
): Steps<Result<readonly CheckedDocument[], readonly ResourceViolation[]>> {
  const checked: CheckedDocument[] = [];
  const violations: ResourceViolation[] = [];
  const parse = ([index, document]: readonly [number, unknown]): void => {
    const result = registry.parse(document, mesh);
    if (!result.ok) violations.push(...at(claimedId(registry, document), index, result.error));
    else checked.push({ id: idOf(result.value), index, parsed: result.value });
  };
  yield* eachOf(documents.entries(), parse, every);
  violations.push(...duplicates(checked), ...sharedHostnames(checked));
  return violations.length > 0 ? err(violations) : ok(checked);
}

function duplicates(checked: readonly CheckedDocument[]): ResourceViolation[] {
  const first = new Map<string, number>();
  return checked.flatMap(({ id, index }) => {
    const earlier = first.get(resourceKey(id));
    if (earlier === undefined) {
      first.set(resourceKey(id), index);
      return [];
    }
    const message = `${printId(id)} is already document ${earlier} of this request: keep one of the two`;
    return at(id, index, [{ path: '/metadata/name', code: 'duplicate-resource', message }]);
  });
}

function sharedHostnames(checked: readonly CheckedDocument[]): ResourceViolation[] {
  const owner = new Map<string, ResourceId>();
  return checked.flatMap(({ id, index, parsed }) =>
    parsed.hostnames.flatMap((hostname) => {
      const other = owner.get(hostname);
      if (other === undefined || resourceKey(other) === resourceKey(id)) {
        owner.set(hostname, id);
        return [];
      }
      return at(id, index, [hostnameTaken(parsed, hostname, printId(other))]);
    }),
  );
}

/** Host names are unique in a mesh: two scopes with one key make Envoy refuse the whole update. */
export function hostnameTaken(parsed: ParsedManifest, hostname: string, holder: string): Violation {
  return {
    path: hostnamePath(parsed.manifest, hostname),
    code: 'hostname-taken',
    message: `host name "${hostname}" already belongs to ${holder}; a host name names one service of a mesh`,
  };
}
