import { createRegistry, type KindInfo, type Registry } from '#libs/model';
import { policies } from '#policies';
import { CliError, EXIT } from './exit-codes.js';

let registry: Registry | undefined;

/** The kinds that this version of the CLI knows. */
export function kinds(): Registry {
  registry ??= createRegistry(policies);
  return registry;
}

/** By kind, plural or short name. @throws CliError that lists what there is */
export function findKind(name: string): KindInfo {
  const found = kinds().find(name);
  if (found) return found;
  const known = kinds().kinds.map((kind) => kind.plural);
  throw new CliError(`no kind is called ${name}`, EXIT.usage, [`kinds: ${[...known, 'instances'].join(', ')}`]);
}

/** Instances are registrations, not a kind of manifest: they have an address of their own. */
export const isInstances = (name: string): boolean => /^(instances?|inst)$/i.test(name);
