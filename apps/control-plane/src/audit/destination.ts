import { open, readFile } from 'node:fs/promises';
import type { Clock } from '#libs/kernel';

/** A place outside of the database that keeps signed statements. */
export interface Destination {
  /** Under which it is remembered how far it has been told. */
  readonly name: string;
  /** Resolves when it has the line. @param id the same for the same line, for who cares that it may come twice */
  send(line: string, id: string): Promise<void>;
}

export interface DestinationOptions {
  /** Files are this replica's own: each gets all lines. */
  readonly replica: string;
  readonly clock: Clock;
  readonly webhookTokenFile?: string | undefined;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

const WEBHOOK_TIMEOUT_MS = 10_000;
/** Waits between the attempts of one call; whoever calls tries again later. */
const RETRY_AFTER_MS = [1_000, 4_000];

const stdout = (): Destination => ({
  name: 'stdout',
  send: (line) =>
    new Promise((resolve, reject) => {
      process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
    }),
});

const appendTo = (path: string, replica: string): Destination => ({
  name: `file:${path}@${replica}`,
  async send(line) {
    const file = await open(path, 'a', 0o600);
    try {
      await file.appendFile(`${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  },
});

async function post(
  url: string,
  line: string,
  id: string,
  { webhookTokenFile, signal }: DestinationOptions,
): Promise<void> {
  const token = webhookTokenFile === undefined ? '' : (await readFile(webhookTokenFile, 'utf8')).trim();
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(WEBHOOK_TIMEOUT_MS)]),
    headers: {
      'content-type': 'application/json',
      'idempotency-key': id,
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    body: line,
  });
  await response.arrayBuffer(); // read to its end, so that the connection can be used again
  if (!response.ok) throw new Error(`${new URL(url).host} answered with ${response.status}`);
}

const webhook = (url: string, options: DestinationOptions): Destination => ({
  name: url,
  async send(line, id) {
    for (const wait of [...RETRY_AFTER_MS, undefined]) {
      try {
        await post(url, line, id, options);
        return;
      } catch (error) {
        if (wait === undefined || options.signal.aborted) throw error;
      }
      await new Promise<void>((resolve) => {
        options.clock.after(wait, resolve);
      });
    }
  },
});

/** @param text as the schema has let it through */
export function destinationOf(text: string, options: DestinationOptions): Destination {
  if (text === 'stdout') return stdout();
  if (text.startsWith('file:')) return appendTo(text.slice(5), options.replica);
  return webhook(text, options);
}
