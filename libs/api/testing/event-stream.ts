/** For tests of streams of server-sent events: a client that keeps what it was told. */
import { expect } from 'vitest';
import type { ServedApi } from './served-api.js';

export interface Told {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly data: any;
}

export class EventStream {
  readonly events: Told[] = [];
  /** Resolves when the server has ended it, or it was left. */
  readonly ended: Promise<void>;

  private constructor(
    response: Response,
    private readonly stop: AbortController,
  ) {
    this.ended = this.#read(response).catch(() => {});
  }

  /** @param path below `/api/v1/meshes/default/`; the answer must be a stream */
  static async open(api: ServedApi, token: string, path: string, lastEventId?: string): Promise<EventStream> {
    const stop = new AbortController();
    const response = await request(api, token, path, { lastEventId, signal: stop.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    return new EventStream(response, stop);
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (text + part).split('\n\n');
      text = blocks.pop() ?? '';
      this.events.push(...blocks.flatMap((block) => parse(block)));
    }
  }

  /** The first event that passes, from those told so far or to come. */
  async until(passes: (told: Told) => boolean): Promise<Told> {
    await expect.poll(() => this.events.some(passes), { timeout: 10_000 }).toBe(true);
    return this.events.find(passes) as Told;
  }

  leave(): void {
    this.stop.abort();
  }
}

/** The answer to the request of a stream, whatever it is. */
export function request(
  api: ServedApi,
  token: string,
  path: string,
  { lastEventId, signal }: { readonly lastEventId?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${api.url}/api/v1/meshes/default/${path}`, {
    ...(signal ? { signal } : {}),
    headers: { authorization: `Bearer ${token}`, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) },
  });
}

function parse(block: string): Told[] {
  const field = (name: string): string => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? '';
  const data = field('data');
  return data === '' ? [] : [{ event: field('event'), id: field('id'), data: JSON.parse(data) }];
}
