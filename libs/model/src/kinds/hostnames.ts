import { z } from 'zod';
import type { Violation } from '#libs/kernel';
import { unsafeHost } from '../address.js';
import type { Place } from '../define-kind.js';
import { violation } from '../issues.js';
import { hostName, refuseDuplicates } from '../schema-parts.js';

/** The `hostnames` of a Service or ExternalService. */
export const hostnameList = () =>
  z
    .array(hostName())
    .max(32)
    .superRefine((hosts, sink) => refuseDuplicates(sink, hosts, 'the host name'));

/**
 * The names that a service has without asking: `<service>.<namespace>` and `<service>.<namespace>.<mesh>.mesh`. The
 * short name inside the namespace is no claim: every namespace has its own.
 */
export const ownNames = (place: Place): readonly string[] => [
  `${place.name}.${place.namespace}`,
  `${place.name}.${place.namespace}.${place.mesh}.mesh`,
];

/** Rules for further names: nobody takes a name that belongs to another service of the mesh, or to the machine. */
export function hostnameViolations(hosts: readonly string[], place: Place): readonly Violation[] {
  return hosts.flatMap((host, index): readonly Violation[] => {
    const problem = hostnameProblem(host, place);
    return problem === undefined ? [] : [violation(['spec', 'hostnames', index], 'invalid-host', problem)];
  });
}

function hostnameProblem(host: string, place: Place): string | undefined {
  if (ownNames(place).includes(host)) return `repeats "${host}", a name that it has anyway; leave it out`;
  if (host === 'mesh' || host.endsWith('.mesh'))
    return 'must not end in ".mesh": these names belong to the services of the mesh';
  const unsafe = unsafeHost(host);
  if (unsafe !== undefined) return `is ${unsafe}`;
  if (!host.includes('.'))
    return 'must have a dot: names of one label are the short names of services in their namespaces';
  return undefined;
}

/** All names that the resource claims, unique in the mesh. */
export const claimedNames = (hosts: readonly string[], place: Place): readonly string[] => [
  ...ownNames(place),
  ...hosts,
];
