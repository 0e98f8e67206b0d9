import { contentHash } from '#libs/kernel';
import { FakeXdsClient } from '../../libs/testing/src/xds-client/index.js';
import { everything, resourcesOf, type Size } from './engine-protocol.js';

const ABREAST = 40;

export interface CrowdOptions {
  readonly count: number;
  readonly address: string;
  readonly size: Size;
  /** Plaintext without it. */
  readonly caPem?: string;
}

/** Many clients that ask for everything, and come again when they are sent away, as Envoys do. */
export class Crowd {
  /** Times that a client came again after it was refused. */
  cameAgain = 0;
  readonly #clients: readonly FakeXdsClient[];
  readonly #lists: ReadonlyMap<string, number>;

  constructor(private readonly options: CrowdOptions) {
    const { count, address, size, caPem } = options;
    this.#clients = Array.from(
      { length: count },
      (_, i) =>
        new FakeXdsClient({
          ...{ address, token: `n${i}`, node: { id: `n${i}` } },
          ...(caPem === undefined ? {} : { caPem, serverName: 'localhost' }),
        }),
    );
    this.#lists = new Map(everything(size).map(([type]) => [type, 0]));
  }

  get clients(): readonly FakeXdsClient[] {
    return this.#clients;
  }

  /** Some after the others, each with everything before the next. */
  async join(mark: number): Promise<void> {
    for (let at = 0; at < this.#clients.length; at += ABREAST) {
      const some = this.#clients.slice(at, at + ABREAST);
      for (const client of some) {
        client.connect();
        for (const [type, names] of everything(this.options.size)) client.subscribe(type, names);
      }
      await this.#haveAll(some, mark);
    }
  }

  /** All at once, each with the versions that it has; who is refused tries again in 0.2 to 1 s. */
  async comeBack(mark: number): Promise<void> {
    for (const client of this.#clients) client.reconnect();
    await this.#haveAll(this.#clients, mark);
  }

  /** Waits until each has every resource with the content of this mark. */
  async haveAll(mark: number): Promise<void> {
    await this.#haveAll(this.#clients, mark);
  }

  async #haveAll(clients: readonly FakeXdsClient[], mark: number): Promise<void> {
    const wanted = new Map([...this.#lists.keys()].map((type) => [type, new Map<string, string>()]));
    for (const { type, name, bytes } of resourcesOf(this.options.size, mark)) {
      wanted.get(type)?.set(name, contentHash(bytes));
    }
    const due = new Map<FakeXdsClient, number>();
    const looked = new Map<FakeXdsClient, number>();
    let left = [...clients];
    while (left.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      // Looking costs more than receiving: only at who has received something.
      left = left.filter((client) => {
        if (looked.get(client) === client.responses.length) return true;
        looked.set(client, client.responses.length);
        return !hasAll(client, wanted);
      });
      for (const client of left) this.#again(client, due);
    }
    for (const client of clients) client.expectNoFaults();
  }

  #again(client: FakeXdsClient, due: Map<FakeXdsClient, number>): void {
    if (!client.ended) return;
    const now = performance.now();
    const at = due.get(client) ?? now + 200 + Math.random() * 800;
    due.set(client, at);
    if (now < at) return;
    due.delete(client);
    this.cameAgain++;
    client.reconnect();
  }

  bytesReceived(): number {
    return this.#clients.reduce((sum, client) => sum + client.bytesReceived, 0);
  }

  leave(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

function hasAll(client: FakeXdsClient, wanted: ReadonlyMap<string, ReadonlyMap<string, string>>): boolean {
  for (const [type, versions] of wanted) {
    const held = client.versions(type);
    if (held.size < versions.size) return false;
    for (const [name, version] of versions) if (held.get(name) !== version) return false;
  }
  return true;
}
