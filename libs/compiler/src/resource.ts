import { type DescMessage, encode, type MessageInitShape, TYPE } from '#libs/envoy-api';
import { type Ctx, defineQuery, type QueryKind } from '#libs/incremental';
import { contentHash, sortedUnique } from '#libs/kernel';

/** A compiled resource without the key that tells it from others of its name: its cell gives that. */
export interface Encoded {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly requires: readonly { readonly type: string; readonly name: string }[];
}

/** Encodes a message canonically. `clusters` are those that must be active before it (ORD-3); duplicates count once. */
export function encoded<D extends DescMessage>(
  schema: D,
  init: MessageInitShape<D>,
  options: { readonly name: string; readonly clusters?: readonly string[] },
): Encoded {
  const bytes = encode(schema, init);
  return {
    type: `type.googleapis.com/${schema.typeName}`,
    name: options.name,
    version: contentHash(bytes),
    bytes,
    requires: sortedUnique(options.clusters ?? []).map((name) => ({ type: TYPE.cluster, name })),
  };
}

/** A query for a resource: equal bytes that require the same stop propagation. */
export const defineResource = (name: string, run: (ctx: Ctx, key: string) => Encoded): QueryKind<Encoded> =>
  defineQuery({ name, run, hash: (r) => `${r.name} ${r.version} ${r.requires.map((ref) => ref.name).join(' ')}` });
