/** Fields of policies in one place after another, with who set them and who lost. */
import { type EffectiveField, effectiveAt, type PolicyPlace, ruleAt } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import { type PolicyTarget, printId } from '#libs/model';
import type { Origins } from './origins.js';
import type { OwnField, PolicyField } from './types.js';

export interface PlacedField extends EffectiveField {
  readonly place: string;
}

/** What policies make of the places. */
export function fieldsAt(ctx: Ctx, origins: Origins, places: readonly PolicyPlace[]): readonly PlacedField[] {
  const fields = places.flatMap((place) =>
    effectiveAt(ctx, place).map((field) => ({ ...field, place: printPlace(place) })),
  );
  origins.add(...fields.flatMap(({ from, shadowed }) => [from, ...shadowed]));
  return fields;
}

/** `rule 0 of HTTPRoute shop/orders, port http of Service shop/orders` */
export function printPlace({ targets }: PolicyPlace): string {
  const named = [
    targets.find(({ level }) => level === 'RouteRule'),
    targets.find(({ level }) => level === 'ServicePort'),
  ].flatMap((target) => target ?? []);
  return named.map(printTarget).join(', ') || 'every port';
}

const printTarget = (target: PolicyTarget): string =>
  `${target.level === 'RouteRule' ? 'rule' : 'port'} ${target.section} of ${printId(target)}`;

export const policyField = (origins: Origins, { from, shadowed, overruled, ...field }: PlacedField): PolicyField => ({
  ...field,
  from: origins.written(from),
  shadowed: shadowed.map((source) => origins.written(source)),
  ...(overruled ? { overruled } : {}),
});

export interface PlacedOwn extends Omit<OwnField, 'from'> {
  readonly from: Parameters<Origins['written']>[0] & { readonly revision: number };
}

/** Timeouts and retries that rules set themselves: they beat every policy. Times in milliseconds, 0 = no limit. */
export function ownAt(ctx: Ctx, origins: Origins, places: readonly PolicyPlace[]): readonly PlacedOwn[] {
  const own = places.flatMap((place): PlacedOwn[] => {
    const { route, rule } = ruleAt(ctx, place) ?? {};
    if (!route || !rule) return [];
    const set: readonly (readonly [string, unknown])[] = [
      ['timeouts.request', rule.timeoutMs],
      ['timeouts.backendRequest', rule.backendTimeoutMs],
      ['retry', rule.retry],
    ];
    return set
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => ({ place: printPlace(place), field, value, from: route.source }));
  });
  origins.add(...own.map(({ from }) => from));
  return own;
}

export const ownField = (origins: Origins, { from, ...field }: PlacedOwn): OwnField => ({
  ...field,
  from: origins.written(from),
});
