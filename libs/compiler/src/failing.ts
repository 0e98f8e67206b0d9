/** What does not compile as things are. */
import type { CellName, Difference, Fork, Graph, QueryKind } from '#libs/incremental';
import { INBOUND_LISTENER, INBOUND_ROUTES } from './inbound.js';
import { INBOUND_POLICIES } from './inbound-ports.js';
import { INSTANCE } from './inputs.js';
import { LAYERS, RESOURCES } from './layers.js';
import { VIEW } from './views.js';

/** A cell that fails, with the reason. */
export interface FailingCell extends CellName {
  readonly message: string;
}

/** Queries whose failure is a fact about the mesh: of those that are published, and those whose failure closes a port. */
const QUERIES: ReadonlyMap<string, QueryKind<unknown>> = new Map(
  [...RESOURCES.values(), ...LAYERS.values(), VIEW, INBOUND_POLICIES].map((query) => [
    query.name,
    query as QueryKind<unknown>,
  ]),
);

/** Why a cell fails in a graph or fork; undefined = it compiles, or there is no such query. */
export function failureOf(source: Pick<Graph | Fork, 'tryRead'>, { kind, key }: CellName): string | undefined {
  const query = QUERIES.get(kind);
  if (!query) return undefined;
  const outcome = source.tryRead(query, key);
  return outcome.ok ? undefined : outcome.error.message;
}

/** Keeps the cells that fail from one pass to the next. Costs what a pass changed. */
export class FailingCells {
  readonly #cells = new Map<string, CellName>();

  constructor(private readonly graph: Graph) {}

  /** Takes note of what a pass has published. */
  note({ changed, gone }: Difference): void {
    for (const { kind, key, error } of changed) {
      const cell = { kind, key };
      this.#set(cell, error !== undefined);
      const policies = this.#policiesOf(cell);
      if (policies) this.#set(policies, failureOf(this.graph, policies) !== undefined);
    }
    for (const cell of gone) {
      this.#set(cell, false);
      if (cell.kind === INBOUND_ROUTES.name) this.#set({ kind: INBOUND_POLICIES.name, key: cell.key }, false);
    }
  }

  /** Those that fail now, and why. */
  list(): readonly FailingCell[] {
    return [...this.#cells.values()].flatMap((cell) => {
      const message = failureOf(this.graph, cell);
      return message === undefined ? [] : [{ ...cell, message }];
    });
  }

  /** Policies that do not compile close a port instead of failing what is made of them. */
  #policiesOf({ kind, key }: CellName): CellName | undefined {
    if (kind === INBOUND_ROUTES.name) return { kind: INBOUND_POLICIES.name, key };
    if (kind !== INBOUND_LISTENER.name) return undefined;
    const at = key.lastIndexOf('/');
    const instance = this.graph.input(INSTANCE, key.slice(0, at));
    return (
      instance && {
        kind: INBOUND_POLICIES.name,
        key: `${instance.namespace}/${instance.workload}/${key.slice(at + 1)}`,
      }
    );
  }

  #set({ kind, key }: CellName, fails: boolean): void {
    if (fails) this.#cells.set(`${kind}|${key}`, { kind, key });
    else this.#cells.delete(`${kind}|${key}`);
  }
}
