/** What callers route by before and after the writes of a fork, as far as it can make a difference to a request. */
import type { Fork } from '#libs/incremental';
import { eachOf, type Steps } from '#libs/kernel';
import type { ForkDiff, LayerDiff } from './fork-diff.js';
import { RESOURCES } from './layers.js';
import { OUTBOUND } from './outbound.js';
import { queryOf } from './query-of.js';
import { ROUTE_TABLE, SCOPE } from './route-tables.js';
import type { CompiledContent } from './types.js';

/** Proxies that route alike. */
export interface CallerRoutes {
  readonly namespace: string;
  /** How many. */
  readonly proxies: number;
  /** The listener of all hosts, and the scopes and route configurations of every destination that differs for anybody. */
  readonly before: readonly CompiledContent[];
  readonly after: readonly CompiledContent[];
}

interface Group {
  readonly instance: string;
  readonly all: boolean;
  proxies: number;
}

/** Every kind of caller that is sent other routes, by namespace. Requests of all others go where they went. */
export function* callerRoutes(
  diff: ForkDiff,
  touched: ReadonlyMap<string, LayerDiff>,
  fork: Fork,
): Steps<readonly CallerRoutes[]> {
  const groups = new Map<string, Group>();
  for (const [instance, { added, changed, removed }] of touched) {
    yield;
    const cells = [...added, ...changed, ...removed];
    if (!cells.some(isRouting)) continue;
    // Another listener may treat every request otherwise.
    const all = cells.some((cell) => kindOf(cell) === OUTBOUND.name);
    const { before, after } = diff.layersOf(instance);
    const shared = [...before, ...after].filter((layer) => !/^(workload|instance)\|/.test(layer));
    const key = [all, ...shared].join('\n');
    const known = groups.get(key);
    if (known) known.proxies += 1;
    else groups.set(key, { instance, all, proxies: 1 });
  }
  const reader = new Reader(diff, fork);
  const routes: CallerRoutes[] = [];
  for (const group of groups.values()) routes.push(yield* reader.read(group));
  return routes;
}

class Reader {
  readonly #destinations: ReadonlySet<string>;
  /** Cells of layers that are wanted: most callers have the same layers. */
  readonly #wanted = new WeakMap<readonly string[], readonly string[]>();

  constructor(
    private readonly diff: ForkDiff,
    private readonly fork: Fork,
  ) {
    this.#destinations = new Set(diff.resources.filter(({ cell }) => isRouting(cell)).map(({ cell }) => about(cell)));
  }

  *read({ instance, all, proxies }: Group): Steps<CallerRoutes> {
    const [namespace = ''] = instance.split('/');
    const { before, after } = this.diff.layersOf(instance);
    const cells = (layers: readonly string[], listed: (layer: string) => readonly string[]): readonly string[] =>
      layers.flatMap((layer) => (all ? listed(layer).filter(isRouting) : this.#filtered(listed(layer))));
    const old = cells(before, (layer) => this.diff.listedBefore(layer));
    yield;
    const now = cells(after, (layer) => this.diff.listedAfter(layer));
    yield;
    return {
      namespace,
      proxies,
      before: yield* contents(old, [this.fork.before]),
      // What does not compile any more stays as it is.
      after: yield* contents(now, [this.fork, this.fork.before]),
    };
  }

  #filtered(cells: readonly string[]): readonly string[] {
    const known = this.#wanted.get(cells);
    if (known) return known;
    const wanted = cells.filter(
      (cell) => isRouting(cell) && (kindOf(cell) === OUTBOUND.name || this.#destinations.has(about(cell))),
    );
    this.#wanted.set(cells, wanted);
    return wanted;
  }
}

type Source = Pick<Fork, 'tryRead'>;

/** Cells that are read between two pauses. */
const CELLS = 64;

/** Of two resources with one name the later one counts. */
function* contents(cells: readonly string[], sources: readonly Source[]): Steps<readonly CompiledContent[]> {
  const found = new Map<string, CompiledContent>();
  const read = (cell: string): void => {
    const { query, key } = queryOf(RESOURCES, cell);
    for (const source of sources) {
      const outcome = source.tryRead(query, key);
      if (!outcome.ok) continue;
      found.set(`${outcome.value.type} ${outcome.value.name}`, outcome.value);
      break;
    }
  };
  yield* eachOf(cells, read, CELLS);
  return [...found.values()];
}

const kindOf = (cell: string): string => cell.slice(0, cell.indexOf('|'));

const ROUTING: ReadonlySet<string> = new Set([OUTBOUND.name, ROUTE_TABLE.name, SCOPE.name]);
const isRouting = (cell: string): boolean => ROUTING.has(kindOf(cell));

/** `<namespace>/<service>` of `routes|<namespace>/<service>@<caller>` and `scope|<namespace>/<service>/<alias>`. */
const about = (cell: string): string => (cell.split('|')[1] ?? '').replace(/@.*$/, '').split('/').slice(0, 2).join('/');
