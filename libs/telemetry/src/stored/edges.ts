import type { EdgeSignals } from './answers.js';
import { printed, serviceOf, workloadOf } from './names.js';
import type { PageCell } from './page.js';
import { OTHERS, type Sight } from './sight.js';
import { dominantFailure, type Tally } from './tally.js';

const SEPARATOR = '\n';

/**
 * Who calls whom, as one reader may know it: what he may not see of an edge is `others`; of an edge of which he may see
 * neither end he learns that there is one.
 */
export class EdgeKeys {
  readonly #hidden = new Set<string>();
  readonly #others = new Map<string, Set<string>>();

  constructor(private readonly sight: Sight) {}

  /** How many edges the reader may see nothing of. */
  get hidden(): number {
    return this.#hidden.size;
  }

  /** For `SignalReader.totals`, in the view of pairs or of edges. */
  readonly keyOf = (callee: string, { dimensions: [caller = ''] }: PageCell): string | undefined =>
    this.#judge(caller, callee);

  edge(key: string, tally: Tally, seconds: number): EdgeSignals {
    const [caller = '', callee = ''] = key.split(SEPARATOR);
    const signals = tally.signals(seconds);
    const failure = dominantFailure(signals);
    const others = this.#others.get(key)?.size;
    return { caller, callee, ...(others === undefined ? {} : { others }), ...(failure ? { failure } : {}), ...signals };
  }

  #judge(caller: string, callee: string): string | undefined {
    const service = serviceOf(callee);
    const workload = workloadOf(caller);
    const seesCallee = this.sight.service(service.namespace, service.name);
    const seesCaller = caller === '' ? seesCallee : this.sight.workload(workload.namespace, workload.name);
    const name = printed(service);
    if (!seesCallee && !seesCaller) {
      this.#hidden.add(caller + SEPARATOR + name);
      return undefined;
    }
    const key = (seesCaller ? caller : OTHERS) + SEPARATOR + (seesCallee ? name : OTHERS);
    if (!seesCallee || !seesCaller) {
      const others = this.#others.get(key) ?? new Set();
      this.#others.set(key, others.add(seesCallee ? caller : name));
    }
    return key;
  }
}
