const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Index after the string that begins at `start`; the end of the text when it is not closed. */
function afterString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i += 1;
    else if (code === QUOTE) return i + 1;
  }
  return text.length;
}

const isNumberPart = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45;

function afterNumber(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && isNumberPart(text.charCodeAt(i))) i += 1;
  return i;
}

/**
 * The tokens of a JSON text that matter for structure: brackets, commas, strings with their quotes, numbers. Linear in
 * the text whatever it holds (a regular expression would not be); of text that is not JSON it finds something, too.
 */
export function* jsonTokens(text: string): Generator<string, void> {
  for (let i = 0; i < text.length; ) {
    const char = text.charAt(i);
    if (char === '"') {
      const end = afterString(text, i);
      yield text.slice(i, end);
      i = end;
    } else if (char === '-' || (char >= '0' && char <= '9')) {
      const end = afterNumber(text, i);
      yield text.slice(i, end);
      i = end;
    } else {
      if (char === '{' || char === '}' || char === '[' || char === ']' || char === ',') yield char;
      i += 1;
    }
  }
}
