import { TYPE } from '#libs/envoy-api';
import type { ReceivedResponse, RequestFields } from './messages.js';
import { nameOf } from './names.js';
import type { Variant } from './raw-stream.js';

const WILDCARD = '*';
/** An empty first request for these means everything (WILD-1). */
const LEGACY_WILDCARD: ReadonlySet<string> = new Set([TYPE.cluster, TYPE.listener, TYPE.scopedRoute]);
/** `*` means nothing for these. */
const NO_WILDCARD: ReadonlySet<string> = new Set([TYPE.secret, TYPE.virtualHost, TYPE.lbEndpoint]);
/** Clients cannot take a removal of these (DELTA-13). */
const NEVER_REMOVED: ReadonlySet<string> = new Set([TYPE.secret, TYPE.extension]);

interface Coverage {
  readonly all: boolean;
  readonly names: ReadonlySet<string>;
}

const NOTHING: Coverage = { all: false, names: new Set() };

/** What was asked for of one type. */
interface Asked {
  now: Coverage;
  /** Subscriptions from before, which the server may still have had in mind when it sent the next response. */
  before: Coverage[];
  /** A name was given at some time (WILD-2). */
  named: boolean;
  /** Names that the first request listed as held (DELTA-8). */
  readonly listed: ReadonlySet<string>;
  /** Names that were sent because an alias of them was asked for (DELTA-14). */
  readonly known: Set<string>;
  /** Nonce of the response that waits for an answer. */
  unanswered: string;
}

export interface ResponseChecksOptions {
  readonly variant: Variant;
  /** The type of a single-type service, which requests need not name. */
  readonly onlyType?: string | undefined;
  /** gRPC clients mean nothing by an empty list (WILD-6). */
  readonly grpcClient: boolean;
}

/**
 * What no server may send, whatever the scenario: every test of a stream checks it with every response. It knows what
 * was asked for from the requests of the stream alone, and shares no code with the engine.
 *
 * A response that was under way when the client unsubscribed is legal. The engine has one response of a type in flight,
 * so once the client has answered one, the next was made with all that was sent before that answer in mind.
 */
export class ResponseChecks {
  readonly #asked = new Map<string, Asked>();
  readonly #nonces = new Set<string>();
  /** Bytes were sent that only the server can read: from then on it is not known what was asked for. */
  #blind = false;

  constructor(private readonly options: ResponseChecksOptions) {}

  /** A request leaves; `undefined`: bytes that may be anything. */
  sent(request: RequestFields | undefined): void {
    if (!request) {
      this.#blind = true;
      return;
    }
    const type = request.type === '' ? (this.options.onlyType ?? '') : request.type;
    const known = this.#asked.get(type);
    const asked = known ?? begun(request);
    this.#asked.set(type, asked);
    const next =
      this.options.variant === 'delta' ? this.#joined(type, asked, request, !known) : this.#list(type, asked, request);
    if (next !== asked.now) asked.before.push(asked.now);
    asked.now = next;
    if (request.nonce === undefined || request.nonce === '' || request.nonce !== asked.unanswered) return;
    asked.unanswered = '';
    asked.before = [];
  }

  /** What is wrong with a response, in words; empty if nothing is. */
  faultsOf(response: ReceivedResponse): string[] {
    const asked = this.#asked.get(response.type);
    const names = response.resources.map(({ name, bytes }) => (name === '' ? nameOf(response.type, bytes) : name));
    const faults = [...this.#faultsOfNonce(response), ...faultsOfContent(response, names)];
    if (!this.#blind) faults.push(...faultsOfSubscription(response, names, asked));
    if (this.options.variant === 'delta') faults.push(...faultsOfDelta(response));
    if (asked) asked.unanswered = response.nonce;
    return faults;
  }

  #faultsOfNonce({ type, nonce }: ReceivedResponse): string[] {
    const asked = this.#asked.get(type);
    const faults = [];
    if (nonce === '') faults.push('GEN-5 a nonce is empty');
    if (this.#nonces.has(nonce)) faults.push(`GEN-5 the nonce ${nonce} was used before`);
    if (asked && asked.unanswered !== '') faults.push('DELTA-12 the response before this one is not answered yet');
    this.#nonces.add(nonce);
    return faults;
  }

  #joined(type: string, asked: Asked, request: RequestFields, first: boolean): Coverage {
    const { names: subscribe = [], unsubscribe = [] } = request;
    const legacy = first && subscribe.length === 0 && this.#legacy(type);
    if (!legacy && subscribe.length === 0 && unsubscribe.length === 0) return asked.now;
    const names = new Set([...asked.now.names, ...subscribe]);
    for (const name of unsubscribe) names.delete(name);
    const star = subscribe.includes(WILDCARD) && !NO_WILDCARD.has(type);
    names.delete(WILDCARD);
    return { all: (asked.now.all || legacy || star) && !unsubscribe.includes(WILDCARD), names };
  }

  #list(type: string, asked: Asked, { names: listed = [] }: RequestFields): Coverage {
    if (listed.length === 0 && !asked.named)
      return asked.now.all || !this.#legacy(type) ? asked.now : { ...NOTHING, all: true };
    asked.named = true;
    const names = new Set(listed);
    return { all: names.delete(WILDCARD) && !NO_WILDCARD.has(type), names };
  }

  #legacy(type: string): boolean {
    return LEGACY_WILDCARD.has(type) && !this.options.grpcClient;
  }
}

const begun = (first: RequestFields): Asked => ({
  now: NOTHING,
  before: [],
  named: false,
  listed: new Set(Object.keys(first.initialVersions ?? {})),
  known: new Set(),
  unanswered: '',
});

function twice(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.size === seen.add(name).size);
}

function faultsOfContent({ type, resources, removed }: ReceivedResponse, names: readonly string[]): string[] {
  const sent = new Set(names);
  return [
    ...resources.flatMap((r) => (r.type === type ? [] : `GEN-6 a ${r.type} in a response of ${type}`)),
    ...twice(names).map((name) => `GEN-7 ${name} is there twice`),
    ...twice(removed).map((name) => `GEN-7 ${name} is removed twice`),
    ...removed.filter((name) => sent.has(name)).map((name) => `GEN-7 ${name} is both sent and removed`),
  ];
}

function faultsOfSubscription(
  { type, resources, removed }: ReceivedResponse,
  names: readonly string[],
  asked?: Asked,
): string[] {
  if (!asked) return [`GEN-13 ${type} was never asked for`];
  const wanted = (name: string): boolean => [asked.now, ...asked.before].some((coverage) => includes(coverage, name));
  for (const { name, aliases } of resources) if (aliases.some(wanted)) asked.known.add(name);
  return [
    ...names
      .filter((name) => !wanted(name) && !asked.known.has(name))
      .map((n) => `GEN-13 ${n} is sent and not subscribed`),
    ...removed
      .filter((name) => !wanted(name) && !asked.known.has(name) && !asked.listed.has(name))
      .map((name) => `GEN-13 ${name} is removed, and was neither subscribed nor held`),
  ];
}

/** TP-2, TP-3: a name of the form `xdstp` is included by itself and by the glob one level above, and by nothing else. */
function includes({ all, names }: Coverage, name: string): boolean {
  if (!name.startsWith('xdstp:')) return all || names.has(name);
  const [path = '', context] = name.split('?');
  const glob = [...path.split('/').slice(0, -1), '*'].join('/');
  return names.has(name) || names.has(context === undefined ? glob : `${glob}?${context}`);
}

function faultsOfDelta({ type, resources, removed }: ReceivedResponse): string[] {
  const faults = resources.flatMap(({ name, version }) =>
    name === '' || version === '' ? `DELTA-15 a resource without name or version: ${name}@${version}` : [],
  );
  if (removed.length > 0 && NEVER_REMOVED.has(type)) faults.push(`DELTA-13 ${type} is removed: ${removed.join()}`);
  return faults;
}
