import { canonicalJson } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { IntendedWrite } from '../types.js';

/** What both ends of a connection must agree on, by kind: members of the spec. */
const AGREED: Readonly<Record<string, readonly string[]>> = {
  Mesh: ['trustDomain', 'trustDomainAliases', 'mtls'],
  Service: ['ports', 'selector'],
};

/**
 * Writes that some proxies must not have before others: a caller and who it calls would speak of two things. New services
 * and those that go are no such: nobody calls them yet, or any more.
 */
export const splitsPairs = (intended: readonly IntendedWrite[]): readonly ResourceId[] =>
  intended
    .filter(({ kind, op, before, after }) => {
      if (op !== 'update') return false;
      const of = (member: string, spec: object | undefined): string =>
        canonicalJson((spec as Readonly<Record<string, unknown>> | undefined)?.[member] ?? null);
      return (AGREED[kind] ?? []).some((member) => of(member, before?.spec) !== of(member, after?.spec));
    })
    .map(({ kind, namespace, name }) => ({ kind, namespace, name }));
