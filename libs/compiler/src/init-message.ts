/** Work on message initialisers, the plain objects from which protobuf messages are built. */
import type { DescMessage, MessageInitShape } from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';

/** A message under construction: plain fields, not the finished message that `MessageInitShape` allows as well. */
export type Init<D extends DescMessage> = Extract<MessageInitShape<D>, { readonly $typeName?: never }>;

type Plain = Readonly<Record<string, unknown>>;

/** Finished messages (an Any, a Duration) are taken whole: their unset fields cannot be told from defaults. */
const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !('$typeName' in value);

/**
 * `patch` over `base`, field by field and as deep as plain objects go. Lists, finished messages and scalars are taken
 * whole; of a oneof the patch's member replaces another one. What the patch leaves out stays.
 */
export function mergeInit<T>(base: T, patch: T | undefined): T {
  return patch === undefined ? base : (merged(base, patch) as T);
}

function merged(base: unknown, patch: unknown): unknown {
  if (!isPlain(base) || !isPlain(patch)) return patch;
  if ('case' in patch && patch['case'] !== base['case']) return patch;
  const result: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(patch)) {
    if (value !== undefined) result[field] = field in base ? merged(base[field], value) : value;
  }
  return result;
}

/** Content hash of an initialiser, bytes and 64-bit numbers included; the order of fields does not matter. */
export const initHash = (value: unknown): string => contentHash(stableText(value));

function stableText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${stableText(field)}`).join(',')}}`;
}
