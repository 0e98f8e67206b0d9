/** Changes of headers and paths on the way, with the places where Envoy's reading differs from the Gateway API's. */
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
  type MessageInitShape,
} from '#libs/envoy-api';
import type { HeaderChange, PathMatch, PathRewrite } from '#libs/model';
import { trimSlash } from './route-matches.js';

type HeaderOption = MessageInitShape<typeof HeaderValueOptionSchema>;

const option = (
  { name, value }: { readonly name: string; readonly value: string },
  appendAction: HeaderValueOption_HeaderAppendAction,
): HeaderOption => ({
  /** Envoy reads `%` as the start of a format; values of manifests are literal. */
  header: { key: name, value: value.replaceAll('%', '%%') },
  appendAction,
  keepEmptyValue: true,
});

const options = (change: HeaderChange): HeaderOption[] => [
  ...change.set.map((header) => option(header, HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD)),
  ...change.add.map((header) => option(header, HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD)),
];

/** Header fields of a route or of one cluster of a weighted route. */
export const headerFields = (request: HeaderChange | undefined, response: HeaderChange | undefined) => ({
  ...(request ? { requestHeadersToAdd: options(request), requestHeadersToRemove: [...request.remove] } : {}),
  ...(response ? { responseHeadersToAdd: options(response), responseHeadersToRemove: [...response.remove] } : {}),
});

/** How Envoy is told a new path: by replacing the matched prefix, or by a pattern over the path without its query. */
export type PathChange =
  | { readonly type: 'none' }
  | { readonly type: 'prefix'; readonly value: string }
  | { readonly type: 'pattern'; readonly regex: string; readonly substitution: string };

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
/** `\1` in a substitution is a group. */
const escapeSubstitution = (text: string): string => text.replaceAll('\\', '\\\\');

/**
 * The Gateway API replaces path elements, Envoy characters. With a root on one side the slash between them has to be
 * minded: `/a` to `/` must turn `/a/b` into `/b` (not `//b`), and `/` to `/a` must turn `/b` into `/a/b` (not `/ab`).
 */
export function pathChange(rewrite: PathRewrite, match: PathMatch): PathChange {
  if (rewrite.type === 'ReplaceFullPath') {
    return { type: 'pattern', regex: '^/.*$', substitution: escapeSubstitution(rewrite.value || '/') };
  }
  if (match.type !== 'PathPrefix') return { type: 'none' };
  const from = trimSlash(match.value);
  const to = trimSlash(rewrite.value);
  if (from === to) return { type: 'none' };
  if (from === '') return { type: 'prefix', value: `${to}/` };
  if (to === '') return { type: 'pattern', regex: `^${escapeRegex(from)}/*`, substitution: '/' };
  return { type: 'prefix', value: to };
}
