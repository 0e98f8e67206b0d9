/**
 * Names in order, beginning after the one that was begun last and going round: who is cut off in the middle, again and again,
 * comes to each of them all the same. @param last '' = none
 */
export function after(names: readonly string[], last: string): readonly string[] {
  const next = names.findIndex((name) => name > last);
  return next <= 0 ? names : [...names.slice(next), ...names.slice(0, next)];
}
