/** Changes of headers on the way, in the order in which Envoy carries them out. */
import { HeaderValueOption_HeaderAppendAction as Append, type HeaderValueOption } from '#libs/envoy-api';
import type { HeaderStep, HeaderSteps } from './types.js';

/** A route configuration, virtual host, route or weighted cluster. */
export interface ChangesHeaders {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

/** Steps of the levels one after the other: the most specific first, unless the table says that the most specific wins. */
export function stepsOf(levels: readonly ChangesHeaders[]): HeaderSteps {
  return {
    request: levels.flatMap((level) => levelSteps(level.requestHeadersToRemove, level.requestHeadersToAdd)),
    response: levels.flatMap((level) => levelSteps(level.responseHeadersToRemove, level.responseHeadersToAdd)),
  };
}

/** At one level headers are removed, then replaced, then added. */
function levelSteps(remove: readonly string[], add: readonly HeaderValueOption[]): readonly HeaderStep[] {
  const steps = add.flatMap((option) => stepOf(option) ?? []);
  return [
    ...remove.map((name) => ({ type: 'remove' as const, name: name.toLowerCase() })),
    ...steps.filter((step) => step.type === 'set'),
    ...steps.filter((step) => step.type === 'add'),
  ];
}

function stepOf({ header, appendAction, keepEmptyValue }: HeaderValueOption): HeaderStep | undefined {
  if (!header || (header.value === '' && !keepEmptyValue)) return undefined;
  const type = appendAction === Append.OVERWRITE_IF_EXISTS_OR_ADD ? 'set' : 'add';
  return { type, name: header.key.toLowerCase(), value: header.value.replaceAll('%%', '%') };
}

const UNCONDITIONAL: ReadonlySet<Append> = new Set([Append.APPEND_IF_EXISTS_OR_ADD, Append.OVERWRITE_IF_EXISTS_OR_ADD]);

/** Changes that depend on the request: values that Envoy computes (`%...%`), and what is done only if a header is (not) there. */
export function conditionalChanges(levels: readonly ChangesHeaders[]): readonly string[] {
  const options = levels.flatMap((level) => [...level.requestHeadersToAdd, ...level.responseHeadersToAdd]);
  return options
    .filter(
      ({ header, appendAction }) =>
        !UNCONDITIONAL.has(appendAction) || header?.value.replaceAll('%%', '').includes('%'),
    )
    .map(({ header, appendAction }) => `${header?.key}: ${header?.value} (${Append[appendAction]})`);
}
