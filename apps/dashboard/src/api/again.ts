import { isProblem } from './client';

interface Asked {
  readonly state: { readonly error: unknown };
}

/** What is asked for again and again, unless it is not for who asks. @param ms false = never */
export const every =
  (ms: number | false) =>
  ({ state: { error } }: Asked): number | false =>
    isProblem(error) && error.status === 403 ? false : ms;
