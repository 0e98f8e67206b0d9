import { createKindNames, type KindName, type KindNames } from '#libs/model';
import { policyNames } from '#policies/names';
import { CliError, EXIT } from './exit-codes.js';

let names: KindNames | undefined;

/** The kinds that this version of the CLI knows. */
export function kinds(): KindNames {
  names ??= createKindNames(policyNames);
  return names;
}

/** By kind, plural or short name. @throws CliError that lists what there is */
export function findKind(name: string): KindName {
  const found = kinds().find(name);
  if (found) return found;
  const known = kinds().kinds.map((kind) => kind.plural);
  throw new CliError(`no kind is called ${name}`, EXIT.usage, [`kinds: ${[...known, 'instances'].join(', ')}`]);
}

/** Instances are registrations, not a kind of manifest: they have an address of their own. */
export const isInstances = (name: string): boolean => /^(instances?|inst)$/i.test(name);
