/** Sets a field by the path that plans print: `spec.rules[0].backendRefs[orders:8080/green].weight`. */
import { align } from '#libs/diff';
import { CliError, EXIT } from '../exit-codes.js';

type Step = { readonly member: string } | { readonly item: string };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bad = (path: string, why: string): CliError => new CliError(`--set ${path}: ${why}`, EXIT.usage);

function steps(path: string): readonly Step[] {
  const found: Step[] = [];
  const part = /\.?([^.[\]"]+)|\[("(?:[^"\\]|\\.)*")\]|\[([^\]]+)\]/gy;
  while (part.lastIndex < path.length) {
    const match = part.exec(path);
    if (!match) throw bad(path, 'write it as plans do: spec.rules[0].backendRefs[orders:8080].weight');
    const [, member, quoted, item] = match;
    if (item !== undefined) found.push({ item });
    else found.push({ member: quoted === undefined ? (member ?? '') : String(JSON.parse(quoted)) });
  }
  return found;
}

/** A copy of the value with the field set. @throws CliError when the path leads to no place */
export function withField(value: unknown, path: string, field: unknown): unknown {
  return put(value, steps(path), { path, field });
}

function put(
  value: unknown,
  [step, ...rest]: readonly Step[],
  what: { readonly path: string; readonly field: unknown },
): unknown {
  if (step === undefined) return what.field;
  if ('member' in step) {
    if (value !== undefined && value !== null && !isObject(value))
      throw bad(what.path, `${step.member} would be in something that has no fields`);
    const fields = isObject(value) ? value : {};
    return { ...fields, [step.member]: put(fields[step.member], rest, what) };
  }
  if (!Array.isArray(value)) throw bad(what.path, `there is no list with an item ${step.item}`);
  const items: readonly unknown[] = value;
  const ids = align([], items).pairs.map(({ id }) => id);
  const at = ids.indexOf(step.item) >= 0 ? ids.indexOf(step.item) : Number(step.item);
  if (!(at >= 0 && at < items.length))
    throw bad(what.path, `there is no item ${step.item}; there are: ${ids.join(', ')}`);
  return items.with(at, put(items[at], rest, what));
}
