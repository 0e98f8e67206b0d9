/** A page holds a few services: enough to be compressed well, few enough that one of them can be read alone. */
const SHELVES = 8;

/** FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: the same on every machine, since what is stored depends on it. */
const [OFFSET, PRIME] = [0x811c9dc5, 0x01000193];

/**
 * The shelf that a service's cells lie on.
 * @param callee `<namespace>/<service>/<port>`, or the beginning of it up to the second slash: all ports lie on one
 */
export function shelfOf(callee: string): string {
  const [namespace = '', name = ''] = callee.split('/', 2);
  const key = `${namespace}/${name}`;
  let hash = OFFSET;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), PRIME) >>> 0;
  // The low bits alone would depend on the low bits of the text alone.
  return `#${(((hash >>> 16) ^ hash) >>> 0) % SHELVES}`;
}
