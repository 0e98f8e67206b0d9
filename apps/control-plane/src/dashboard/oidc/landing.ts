/** Longer ones are none of ours. */
const LONGEST = 1_024;
const ANY = 'https://any.invalid';

/** Where one wanted to go, if that is a page of the dashboard; else its first page (no open redirect). */
export function pageOf(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST || !wanted.startsWith('/')) return '/';
  if (!URL.canParse(wanted, ANY)) return '/';
  // As a browser reads it: it drops tabs and newlines, and takes "\" for "/".
  const { origin, pathname, search, hash } = new URL(wanted, ANY);
  const page = pathname + search + hash;
  return origin === ANY && page.startsWith('/m/') && page.length <= LONGEST ? page : '/';
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? '');

/**
 * A page that goes on to another of ours. A redirect would not do: to a browser the whole of it comes from the provider's
 * page, and a cookie that is `SameSite=Strict` does not go along.
 * @param page as `pageOf` gives it
 */
export const landing = (page: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Heddle</title>
<meta http-equiv="refresh" content="0;url=${escaped(page)}"></head>
<body><p><a href="${escaped(page)}">Go on to the dashboard</a></p></body></html>
`;
