import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address that it comes from: any of 127.0.0.0/8. */
  readonly from: string;
}

/** A request from an address of its own, as `fetch` cannot send it; follows no redirect. */
export async function ask(url: string, { method = 'GET', headers = {}, from }: Ask): Promise<Response> {
  const sent = request(url, { method, headers, localAddress: from, agent: false });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const kept: [string, string][] = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const body = await buffer(answer);
  const status = answer.statusCode ?? 0;
  return new Response(status === 204 ? null : new Uint8Array(body), { status, headers: kept });
}
