/**
 * Names of the form `xdstp://authority/type/id?key=value&key=value` (TP-1). Every other name is a name, equal only if its
 * bytes are. The form that is compared, kept and sent has its parameters sorted and escapes nothing that needs no escape.
 */
const SCHEME = 'xdstp://';
const FIRST = SCHEME.charCodeAt(0);

/** True for a name of this form; the usual name is told by its first letter. */
export const isXdstp = (name: string): boolean => name.charCodeAt(0) === FIRST && name.startsWith(SCHEME);

/** The form under which a name is known. What is no valid `xdstp` name stays as it is, and names nothing. */
export function canonicalName(name: string): string {
  if (!isXdstp(name)) return name;
  const at = name.indexOf('?');
  if (at < 0) return unescaped(name);
  const parameters = unescaped(name.slice(at + 1))
    .split('&')
    .sort();
  const keys = new Set(parameters.map((parameter) => parameter.split('=', 1)[0]));
  return keys.size === parameters.length ? `${unescaped(name.slice(0, at))}?${parameters.join('&')}` : name;
}

/** The same list if all of its names are in their canonical form, as they are nearly always. */
export function canonicalNames(names: readonly string[]): readonly string[] {
  return names.some(isXdstp) ? names.map(canonicalName) : names;
}

/** As `canonicalNames`, for names with something about each. */
export function canonicalKeys<T>(byName: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  for (const name of byName.keys()) {
    if (isXdstp(name)) return new Map([...byName].map(([key, value]) => [canonicalName(key), value]));
  }
  return byName;
}

/** True for a name that stands for all names one level below it (TP-2). */
export const isGlob = (name: string): boolean => isXdstp(name) && pathOf(name).endsWith('/*');

/** The one glob that includes this name: its last segment replaced, its parameters kept. '' for a glob and for other names. */
export function globOf(name: string): string {
  if (!isXdstp(name)) return '';
  const path = pathOf(name);
  const start = path.lastIndexOf('/') + 1;
  return start <= SCHEME.length || path.endsWith('/*') ? '' : `${path.slice(0, start)}*${name.slice(path.length)}`;
}

function pathOf(name: string): string {
  const at = name.indexOf('?');
  return at < 0 ? name : name.slice(0, at);
}

const ESCAPE = /%[0-9a-f]{2}/gi;
const UNRESERVED = /[\w.~-]/;

function unescaped(part: string): string {
  return part.replace(ESCAPE, (text) => {
    const char = String.fromCharCode(Number.parseInt(text.slice(1), 16));
    return UNRESERVED.test(char) ? char : text.toUpperCase();
  });
}
