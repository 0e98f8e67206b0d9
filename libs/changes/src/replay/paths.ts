/** Paths as a connection manager makes them canonical before it routes. */

/** Where the query or fragment begins. */
const endOfPath = (path: string): number => {
  const at = path.search(/[?#]/);
  return at === -1 ? path.length : at;
};

/** The path without its query. */
export const pathOnly = (path: string): string => path.slice(0, endOfPath(path));

/** Applies a change to the path and leaves the query alone. */
export function changePath(path: string, change: (path: string) => string): string {
  const end = endOfPath(path);
  return change(path.slice(0, end)) + path.slice(end);
}

/** Slashes and backslashes that are written as escapes. */
export const ESCAPED_SLASH = /%2f|%5c/i;
export const unescapeSlashes = (path: string): string => path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');

/** Envoy leaves two slashes of a path that is nothing but slashes. */
export const mergeSlashes = (path: string): string => (/^\/{2,}$/.test(path) ? '//' : path.replace(/\/{2,}/g, '/'));

/** Characters that stand for themselves when escaped: `%41` is `A`. */
const UNESCAPED = /[-.0-9A-Z_a-z~]/;
/** Characters that are escaped in a canonical path. */
const ESCAPED = /[^!$%&'()*+,\-./0-9:;=@A-Z[\]_a-z~]/;

const escapeOf = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

const canonicalCharacters = (path: string): string =>
  path
    .replaceAll('\\', '/')
    .replace(/%([0-9a-f]{2})|[^%]/gi, (text, hex: string | undefined) => canonicalCharacter(text, hex));

function canonicalCharacter(text: string, hex: string | undefined): string {
  if (hex === undefined) return ESCAPED.test(text) ? escapeOf(text) : text;
  const character = String.fromCharCode(Number.parseInt(hex, 16));
  return UNESCAPED.test(character) ? character : text;
}

/**
 * RFC 3986 as Envoy's canonicaliser does it: a backslash is a slash, dot segments are resolved (written as `%2e` too),
 * escapes of unreserved characters are decoded. Undefined: it has none, since it has an escaped NUL.
 */
export const canonicalPath = (path: string): string | undefined =>
  path.includes('%00') ? undefined : resolveDots(canonicalCharacters(path));

/** `/..;x/`: Envoy 1.40 takes it for `/../`, 1.36 for a name. */
export const hasDotsWithParameters = (path: string): boolean => /\/\.\.?;/.test(canonicalCharacters(path));

function resolveDots(path: string): string {
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') out.pop();
    if (segment !== '.' && segment !== '..') out.push(segment);
    else if (last) out.push('');
  }
  return `/${out.join('/')}`;
}
