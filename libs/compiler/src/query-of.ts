import type { QueryKind } from '#libs/incremental';
import { invariant } from '#libs/kernel';
import { splitCell } from './names.js';

/** Finds the query of a resource or layer cell. */
export function queryOf<V>(
  queries: ReadonlyMap<string, QueryKind<V>>,
  cell: string,
): { readonly query: QueryKind<V>; readonly key: string } {
  const { query: name, key } = splitCell(cell);
  const query = queries.get(name);
  invariant(query, `${cell} is made by no query`);
  return { query, key };
}
