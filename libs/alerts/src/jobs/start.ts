import type { Clock, Log, Metrics, Tracer } from '#libs/kernel';
import type { Registry } from '#libs/model';
import type { Store } from '#libs/store';
import { Courier } from '../delivery/courier.js';
import { Egress, type Resolve } from '../delivery/egress.js';
import { AlertSecrets } from '../delivery/secrets.js';
import { Sender } from '../delivery/sender.js';
import type { Signals } from '../ports.js';
import { AlertJob } from './alert-job.js';
import { AlertQuestions } from './alert-questions.js';
import { FactsReader } from './facts.js';
import { ProxyObserver, type ProxyWatch } from './observer.js';
import { RuleBook } from './rule-book.js';

export interface AlertingOptions {
  readonly store: Store;
  readonly registry: Registry;
  /** Of the proxies that are connected here; undefined = this process serves none. */
  readonly watch: ProxyWatch | undefined;
  readonly signals: Signals | undefined;
  readonly replica: string;
  /** 0 = this replica looks at nothing; it still says what it sees of its proxies, and answers questions. */
  readonly everySeconds: number;
  readonly externalUrl: string;
  /** '' = there are no secrets. */
  readonly secretsDir: string;
  /** Hosts, addresses and networks that receivers may lead to though they are not public. */
  readonly allowedHosts: readonly string[];
  /** Further certificates that are trusted, PEM. */
  readonly ca?: readonly string[] | undefined;
  /** How names are resolved; default: as the system does. */
  readonly resolve?: Resolve | undefined;
  readonly clock: Clock;
  /** 0 to 1; default: by chance. */
  readonly random?: (() => number) | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
}

export interface RunningAlerts {
  readonly questions: AlertQuestions;
  /** Ends what is under way; what was not sent is sent by the next one. */
  stop(): Promise<void>;
}

/** Of a replica that looks at nothing itself. */
const OBSERVED_EVERY_S = 10;

/** Puts alerting together and starts it. */
export function startAlerts(options: AlertingOptions): RunningAlerts {
  const { store, clock, everySeconds, watch } = options;
  const abort = new AbortController();
  const egress = new Egress(options.allowedHosts, options.resolve);
  const secrets = new AlertSecrets(options.secretsDir);
  const sender = new Sender({ egress, secrets, ca: options.ca, signal: abort.signal });
  // Each has a book of its own: one that is asked by people is no part of the job's turn.
  const book = new RuleBook(options);
  const courier = new Courier({
    ...{ ...options, outbox: store.alertOutbox, sender, random: options.random ?? Math.random },
    receiverOf: (mesh, key) => book.receiver(mesh, key),
  });
  const job = new AlertJob({ ...options, book, courier, facts: new FactsReader(store, clock) });
  const observer =
    watch &&
    new ProxyObserver({
      ...options,
      sources: store.alertSources,
      watch,
      everySeconds: everySeconds || OBSERVED_EVERY_S,
    });
  // What is seen here, others may be told of.
  observer?.start();
  if (everySeconds > 0) job.start();
  const questions = new AlertQuestions({
    ...{
      ...options,
      sender,
      book: new RuleBook({ ...options, references: true }),
      facts: new FactsReader(store, clock),
    },
  });
  return {
    questions,
    async stop() {
      abort.abort();
      await observer?.stop();
      await job.stop();
    },
  };
}
