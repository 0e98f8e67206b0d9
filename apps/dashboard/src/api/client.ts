import { Problem, problemOf, unreachable } from './problem';

/** The mark that every write carries; known once the session is. It is in no storage and in no address. */
let csrf = '';
let whenOver: () => void = () => {};

export function takeMark(mark: string): void {
  csrf = mark;
}

/** Calls back when the server says that there is no session any more. */
export function onSessionOver(listener: () => void): void {
  whenOver = listener;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws Problem */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const { body, signal, headers } = options;
  const response = await fetch(path, {
    method,
    ...(signal ? { signal } : {}),
    headers: {
      ...(method === 'GET' ? {} : { 'X-Heddle-Csrf': csrf }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw error instanceof DOMException && error.name === 'AbortError' ? error : unreachable();
  });
  if (response.ok) return response;
  if (response.status === 401) whenOver();
  throw await problemOf(response);
}

/** @throws Problem */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send('GET', path, { signal })).json() as Promise<T>;
}

/** @throws Problem */
export async function post<T>(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T> {
  const response = await send('POST', path, { body, ...(headers ? { headers } : {}) });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** All pages of a list. @throws Problem */
export async function getAll<T>(path: string, signal?: AbortSignal): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const query = `limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
    const page = await get<{ items: readonly T[]; cursor?: string }>(`${path}?${query}`, signal);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

export const isProblem = (error: unknown): error is Problem => error instanceof Problem;
