import { once } from 'node:events';
import type { HttpResponse } from '../http.js';

/** Ends with the connection: nobody waits for the rest. */
export function untilClosed(response: HttpResponse): AbortSignal {
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  return abort.signal;
}

/** Sends JSON Lines as they come, no faster than they are read. The status is decided by the first. */
export async function sendLines(
  response: HttpResponse,
  lines: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  for await (const line of lines) {
    if (signal.aborted) return;
    if (!response.headersSent) response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
    if (!response.write(`${line}\n`)) await once(response, 'drain', { signal }).catch(() => {});
  }
  response.end();
}
