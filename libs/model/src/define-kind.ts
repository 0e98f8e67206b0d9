import { z } from 'zod';
import type { Violation } from '#libs/kernel';
import type { Source } from './domain.js';
import { parseWith } from './issues.js';
import type { KindGroup } from './kind-groups.js';
import type { DomainValue, KindInfo } from './registry.js';

/** Where a document stands: what a kind may know beside its spec. */
export interface Place {
  readonly mesh: string;
  /** '' for kinds of the whole mesh. */
  readonly namespace: string;
  readonly name: string;
}

/** How a spec is read, and its JSON Schema. */
export interface SpecReader<Spec> {
  /** `value` is undefined when there are violations. Paths begin with `/spec`. */
  readonly read: (written: unknown) => {
    readonly value: Spec | undefined;
    readonly violations: readonly Violation[];
  };
  readonly jsonSchema: () => Record<string, unknown>;
}

/** Reads by a strict zod schema. */
export const readBy = <Spec>(schema: z.ZodType<Spec>): SpecReader<Spec> => ({
  read: (written) => parseWith(schema, written, ['spec']),
  jsonSchema: () => jsonSchemaOf(schema),
});

/** JSON Schema (2020-12) of what a schema reads. */
export const jsonSchemaOf = (schema: z.ZodType): Record<string, unknown> =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

/** What a kind's author writes. Everything else (metadata, violations, REST, OpenAPI) is shared. */
export interface KindDefinition<Spec> {
  readonly kind: string;
  readonly plural: string;
  readonly aliases?: readonly string[];
  readonly apiVersion: string;
  /** Further apiVersions that are read. */
  readonly alsoAccepts?: readonly string[];
  readonly group: KindGroup;
  readonly scope: 'mesh' | 'namespace';
  /** DNS label for what appears inside a host name or an identity, else DNS subdomain. */
  readonly nameRule: 'label' | 'subdomain';
  readonly summary: string;
  /** Reads `spec`: every rule that needs nothing but the spec. */
  readonly spec: SpecReader<Spec>;
  /** Rules that need the place. Paths begin with `/spec`. */
  readonly check?: (spec: Spec, place: Place) => readonly Violation[];
  /** What is accepted but probably not meant. Paths begin with `/spec`. */
  readonly warn?: (spec: Spec, place: Place) => readonly Violation[];
  /** Host names that the resource claims in its mesh. */
  readonly hostnames?: (spec: Spec, place: Place) => readonly string[];
  readonly toDomain: (spec: Spec, place: Place, source: Source) => DomainValue;
}

/** A spec that passed every rule. */
export interface ParsedSpec {
  readonly warnings: readonly Violation[];
  readonly hostnames: readonly string[];
  readonly toDomain: (source: Source) => DomainValue;
}

/** A kind with its spec's type closed over, so that kinds of all specs fit into one list. */
export interface Kind {
  readonly info: KindInfo;
  readonly nameRule: 'label' | 'subdomain';
  /**
   * Parses a spec. `place` is undefined when the metadata is not valid: then only the rules of the spec itself are
   * checked, so that all violations of a document are reported at once.
   */
  parseSpec(
    spec: unknown,
    place: Place | undefined,
  ): { readonly violations: readonly Violation[]; readonly parsed: ParsedSpec | undefined };
}

/** Makes a kind of its definition. */
export function defineKind<Spec>(definition: KindDefinition<Spec>): Kind {
  const { kind, plural, apiVersion, scope, summary, spec } = definition;
  return {
    info: {
      kind,
      plural,
      aliases: definition.aliases ?? [],
      apiVersion,
      accepts: [apiVersion, ...(definition.alsoAccepts ?? [])],
      group: definition.group,
      scope,
      summary,
      specSchema: spec.jsonSchema,
    },
    nameRule: definition.nameRule,
    parseSpec(written, place) {
      const { value, violations } = spec.read(written);
      if (value === undefined || place === undefined) return { violations, parsed: undefined };
      const broken = definition.check?.(value, place) ?? [];
      if (broken.length > 0) return { violations: broken, parsed: undefined };
      return { violations: [], parsed: finish(definition, value, place) };
    },
  };
}

const finish = <Spec>(definition: KindDefinition<Spec>, spec: Spec, place: Place): ParsedSpec => ({
  warnings: definition.warn?.(spec, place) ?? [],
  hostnames: definition.hostnames?.(spec, place) ?? [],
  toDomain: (source) => definition.toDomain(spec, place, source),
});
