/** What the conditions of resources say: references that lead nowhere, policies that others outdo. */
import type { Condition } from '#libs/compiler';
import { flatMapped } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { Check, FindingCode, FindingDraft } from './types.js';

/** Reasons of conditions that are about a reference. */
const REFERENCES: ReadonlySet<string> = new Set([
  'BackendNotFound',
  'NoMatchingParent',
  'TargetNotFound',
  'RefNotPermitted',
]);

export const conditionFindings: Check = ({ conditions, resources }) =>
  flatMapped(
    resources,
    (resource) =>
      conditions(resource)
        .filter(({ status }) => status === 'False')
        .flatMap((condition) => drafts(resource, condition)),
    1,
  );

function drafts(resource: ResourceId, condition: Condition): readonly FindingDraft[] {
  const code = codeOf(condition);
  const by = code === 'no-effect' ? namesIn(condition.message) : [];
  if (condition.details.length === 0) return [{ code, resource, path: '', message: condition.message, by }];
  return condition.details.map(({ path, message }) => ({ code, resource, path, message, by }));
}

function codeOf({ type, reason }: Condition): FindingCode {
  if (type === 'Effective') return 'no-effect';
  return type === 'ResolvedRefs' || REFERENCES.has(reason) ? 'reference-to-nothing' : 'not-accepted';
}

const NAME = /([A-Z][A-Za-z]+) (?:([-a-z0-9]+)\/)?([-a-z0-9.]+)(?=, |$)/g;

/** The condition names the winners as `printId` prints them: `shadowed by RetryPolicy shop/a, RetryPolicy shop/b, more ...`. */
function namesIn(message: string): readonly ResourceId[] {
  const list = /shadowed by (.*), more specific/.exec(message)?.[1] ?? '';
  return [...list.matchAll(NAME)].map(([, kind = '', namespace = '', name = '']) => ({ kind, namespace, name }));
}
