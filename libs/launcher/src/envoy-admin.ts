import { request } from 'node:http';
import type { SocketAddress } from './socket-address.js';

export interface AdminReply {
  readonly status: number;
  readonly body: string;
}

/** Talks to the admin interface of one Envoy. */
export class EnvoyAdmin {
  readonly #address: SocketAddress;

  constructor(address: SocketAddress) {
    this.#address = address;
  }

  /**
   * One request; any status is an answer.
   * @param path with query, for example `/config_dump?resource=dynamic_listeners`.
   * @throws the system's error when Envoy does not answer within `timeoutMs` (default 5000).
   */
  request(path: string, method: 'GET' | 'POST' = 'GET', timeoutMs = 5000): Promise<AdminReply> {
    const { address, port } = this.#address;
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      // No keep-alive: a pooled connection would show up in Envoy's own counts and delay its end.
      const call = request({ host: address, port, path, method, agent: false, signal }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      });
      call.on('error', reject);
      call.end();
    });
  }

  /** The body of a GET. @throws Error when the status is not 200. */
  async get(path: string): Promise<string> {
    const { status, body } = await this.request(path);
    if (status !== 200) throw new Error(`Envoy answered ${status} to ${path}: ${body.trim()}`);
    return body;
  }

  /** True once everything that was configured first is warmed and listening: `/ready` says LIVE. */
  async isLive(): Promise<boolean> {
    return (await this.request('/ready')).status === 200;
  }

  /** Counters and gauges whose name matches a regular expression (Envoy's, RE2); histograms are left out. */
  async stats(filter: string): Promise<ReadonlyMap<string, number>> {
    const text = await this.get(`/stats?filter=${encodeURIComponent(filter)}`);
    const stats = new Map<string, number>();
    for (const line of text.split('\n')) {
      const match = /^(.+): (\d+)$/.exec(line);
      if (match?.[1] && match[2]) stats.set(match[1], Number(match[2]));
    }
    return stats;
  }
}
