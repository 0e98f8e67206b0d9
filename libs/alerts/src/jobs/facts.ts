import { type Clock, parseNodeId } from '#libs/kernel';
import type { AlertFacts, AlertObservation, ProxyPlace, Store } from '#libs/store';
import type { Watched } from '../engine/assess.js';
import { builtInRules } from '../engine/built-in.js';
import { expiringOf } from '../engine/conditions.js';
import type { MeshFacts, ServerFacts } from '../ports.js';

/** Answers of Postgres that the median is taken of. */
const SAMPLES = 5;

/** What is known beside the traffic, from the store. */
export class FactsReader {
  readonly #times: number[] = [];

  constructor(
    private readonly store: Pick<Store, 'alertSources'>,
    private readonly clock: Clock,
  ) {}

  /** How the control plane is; its own question is how the database is measured. @throws StoreUnavailable */
  async server(): Promise<ServerFacts> {
    const before = this.clock.monotonic();
    const silent = await this.store.alertSources.silentReplicas();
    this.#times.push(this.clock.monotonic() - before);
    if (this.#times.length > SAMPLES) this.#times.shift();
    const sorted = this.#times.toSorted((a, b) => a - b);
    return { silent, databaseMs: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN };
  }

  /** As much as the rules need. @throws StoreUnavailable */
  async mesh({ mesh, rules }: Pick<Watched, 'mesh' | 'rules'>): Promise<MeshFacts> {
    return factsOf(await this.store.alertSources.facts(mesh, expiringOf([...rules, ...builtInRules(rules)])));
  }
}

export const factsOf = ({ observations, ...facts }: AlertFacts): MeshFacts => ({
  ...facts,
  refusing: observations.flatMap(refusing),
  behind: observations.flatMap(behind),
});

const placeOf = (node: string): readonly ProxyPlace[] => {
  const identity = parseNodeId(node);
  return identity ? [{ namespace: identity.namespace, workload: identity.workload, instance: identity.instance }] : [];
};

const refusing = (seen: AlertObservation): MeshFacts['refusing'] =>
  seen.refusing.flatMap(({ node, type, name, message }) =>
    placeOf(node).map((place) => ({ ...place, type, name, message })),
  );

const behind = (seen: AlertObservation): MeshFacts['behind'] =>
  seen.behind.flatMap(({ node, forMs }) => placeOf(node).map((place) => ({ ...place, forMs })));
