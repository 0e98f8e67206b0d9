import type { ChangeState } from '#libs/api';
import type { Session } from '../command.js';
import { CliError, Ended, EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { AnswerError } from '../rest-client.js';
import { events, type ServerEvent } from './events.js';

/** How long to wait before the next attempt when the control plane does not answer. */
const AGAIN_MS = 500;

export interface Followed<T> {
  /** What was told last; undefined when nothing was. */
  readonly last: T | undefined;
  /** The server has said that it is the end. */
  readonly isOver: boolean;
}

export interface FollowOptions<T> {
  /** Address of the stream. */
  readonly path: string;
  /** Address that has the same state, for when there is no stream. */
  readonly page?: {
    readonly path: string;
    /** Nothing more will happen. */
    readonly isOver: (told: T) => boolean;
  };
  /** The end, for this reader, before the server says that it is. */
  readonly isOver?: (told: T) => boolean;
  /** Milliseconds; undefined = until it is over. */
  readonly timeoutMs?: number | undefined;
  /** Said when somebody presses Ctrl-C. */
  readonly onInterrupt: string;
  readonly onEvent: (told: T) => void;
}

/**
 * Reads a stream of events to its end, or until the time is over. When it breaks, since the control plane is started
 * anew, or is not for this token, it asks for the page and tries again: nothing is lost by that.
 * @throws CliError when the server says that there is no such thing, or not for this token; Ended on Ctrl-C
 */
export async function follow<T>(s: Session, options: FollowOptions<T>): Promise<Followed<T>> {
  const stop = new AbortController();
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stop.abort(), options.timeoutMs);
  const onInterrupt = (): void => stop.abort('interrupted');
  process.once('SIGINT', onInterrupt);
  const followed = await new Following(s, options, stop.signal).run().finally(() => {
    clearTimeout(timer);
    process.removeListener('SIGINT', onInterrupt);
  });
  if (stop.signal.reason !== 'interrupted') return followed;
  note(`\n${options.onInterrupt}`);
  throw new Ended(EXIT.interrupted);
}

class Following<T> {
  #last: T | undefined;
  #after = '';
  #saidAway = false;

  constructor(
    private readonly s: Session,
    private readonly options: FollowOptions<T>,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<Followed<T>> {
    while (!this.signal.aborted) {
      const isOver = (await this.#tolerant(() => this.#read())) || (await this.#tolerant(() => this.#ask()));
      if (isOver) return { last: this.#last, isOver };
      await this.#pause();
    }
    return { last: this.#last, isOver: false };
  }

  /** @returns true when the server has said that it is over */
  async #read(): Promise<boolean> {
    try {
      return await this.#stream();
    } catch (error) {
      // Whoever may read the page need not be permitted to watch it.
      if (this.options.page && error instanceof AnswerError && error.status === 403) return false;
      throw error;
    }
  }

  async #stream(): Promise<boolean> {
    const { path } = this.options;
    for await (const event of events(this.s, path, { after: this.#after, signal: this.signal })) {
      if (event.type === 'forbidden') throw forbidden(event);
      this.#saidAway = false;
      this.#after = event.id;
      this.#tell(event.data as T);
      if (event.type === 'done' || this.options.isOver?.(event.data as T)) return true;
    }
    return false;
  }

  async #ask(): Promise<boolean> {
    const { page } = this.options;
    if (page === undefined || this.signal.aborted) return false;
    const told = await this.s.rest.get<T>(page.path);
    this.#tell(told);
    return page.isOver(told);
  }

  #tell(told: T): void {
    this.#last = told;
    this.options.onEvent(told);
  }

  /** False for failures that pass. */
  async #tolerant(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (this.signal.aborted) return false;
      if (!passes(error)) throw error;
      if (!this.#saidAway) note(`${error instanceof Error ? error.message : String(error)}; trying again`);
      this.#saidAway = true;
      return false;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, AGAIN_MS);
      this.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

const passes = (error: unknown): boolean =>
  error instanceof AnswerError
    ? error.status >= 500 || error.status === 429
    : error instanceof CliError && error.code === EXIT.unreachable;

const forbidden = ({ data }: ServerEvent): CliError =>
  new CliError(String((data as { readonly detail?: unknown }).detail ?? 'forbidden'), EXIT.unreachable);

/** Follows one change until every proxy has answered or the time is over. */
export function followChange(
  s: Session,
  change: string,
  options: { readonly timeoutMs?: number; readonly onEvent: (state: ChangeState) => void },
): Promise<Followed<ChangeState>> {
  const path = `${s.meshPath}/changes/${encodeURIComponent(change)}`;
  const page = {
    path,
    isOver: ({ delivery }: ChangeState) => delivery !== undefined && delivery.state !== 'Delivering',
  };
  const onInterrupt = `${change} stays applied and goes on; heddle change watch ${change} shows how, heddle rollback ${change} takes it back`;
  return follow(s, { ...options, page, path: `${path}/events`, onInterrupt });
}
