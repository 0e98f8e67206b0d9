/** What a proxy was running at two times, resource by resource. */
import type { ProxyThenView } from '#libs/api';
import type { HeldThen } from '#libs/changes';
import { diffFields } from '#libs/diff';
import type { Session } from '../command.js';
import { printAs } from '../output.js';
import { renderResources } from '../plan/render.js';
import type { FieldChange } from '../plan/types.js';
import type { NamedProxy } from '../proxy-name.js';
import { hiddenLine } from './render.js';

export interface Times {
  readonly before: string;
  readonly after: string;
}

interface Difference {
  readonly op: 'add' | 'remove' | 'change';
  readonly type: string;
  readonly name: string;
  readonly fields: readonly FieldChange[];
}

/** Of so many resources the fields are shown; each costs two questions. */
const WITH_FIELDS = 20;

const nameOf = ({ type, name }: HeldThen): string => `${type} ${name}`;

/** @returns whether there is a difference */
export async function ofProxy(s: Session, proxy: NamedProxy, { before, after }: Times): Promise<boolean> {
  const ask = (at: string, one: Readonly<Record<string, string>> = {}): Promise<ProxyThenView> =>
    s.rest.get<ProxyThenView>(`${s.meshPath}/explain/at?${new URLSearchParams({ ...proxy, at, ...one })}`);
  const [then, now] = [await ask(before), await ask(after)];
  const differences = compared(then.resources, now.resources);
  const content = async (at: string, { type, name }: Difference): Promise<unknown> =>
    (await ask(at, { type, resource: name })).resource?.content;
  const items: Difference[] = [];
  for (const [i, one] of differences.entries()) {
    const isShown = one.op === 'change' && i < WITH_FIELDS;
    // The answers' own times: what was `-10m` is another time by now.
    const fields = isShown ? diffFields(await content(then.at, one), await content(now.at, one)) : [];
    items.push({ ...one, fields });
  }
  const hidden = then.hidden + now.hidden;
  printAs(s.format, { before: then.at, after: now.at, items, hidden }, () =>
    [...(items.length > 0 ? renderResources(items) : ['no difference']), hiddenLine(hidden)]
      .filter((line) => line !== '')
      .join('\n'),
  );
  return items.length > 0;
}

function compared(then: readonly HeldThen[], now: readonly HeldThen[]): readonly Difference[] {
  const [old, present] = [then, now].map((held) => new Map(held.map((one) => [nameOf(one), one])));
  const difference = (op: Difference['op'], { type, name }: HeldThen): Difference => ({ op, type, name, fields: [] });
  return [
    ...then.filter((one) => !present?.has(nameOf(one))).map((one) => difference('remove', one)),
    ...now.flatMap((one) => {
      const was = old?.get(nameOf(one));
      if (was?.hash === one.hash) return [];
      return [difference(was ? 'change' : 'add', one)];
    }),
  ];
}
