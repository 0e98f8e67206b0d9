/**
 * Splits the names of a refused response into groups that are sent again one after the other. If the client's words
 * name the culprits, each of them goes alone and the others together; else the two halves go apart, and a half that is
 * refused again is split again.
 * @param names at least two; a response with one name needs no search
 * @param message the client's words, '' when they cannot be trusted to name anything
 */
export function splitRefused(names: readonly string[], message: string): (readonly string[])[] {
  if (names.length < 2) return names.length === 0 ? [] : [names];
  const culprits = namedIn(message, names);
  if (culprits.length > 0 && culprits.length < names.length) {
    const blamed = new Set(culprits);
    return [names.filter((name) => !blamed.has(name)), ...culprits.map((name) => [name])];
  }
  const middle = Math.ceil(names.length / 2);
  return [names.slice(0, middle), names.slice(middle)];
}

/** Those of the names that the text mentions. */
export const namedIn = (message: string, names: readonly string[]): string[] =>
  message === '' ? [] : names.filter((name) => mentions(message, name));

/** True if the name stands in the text as a word of its own: `a` is not mentioned by `bad`. */
function mentions(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1)) {
    if (!isNamePart(message[at - 1]) && !isNamePart(message[at + name.length])) return true;
  }
  return false;
}

const isNamePart = (char: string | undefined): boolean => char !== undefined && /[\w/.-]/.test(char);
