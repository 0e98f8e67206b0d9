import type { CompiledChange, MeshPass } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';
import type { MeshHost } from './mesh-host.js';

/** The passes of all meshes that one event touches, in slices, adopted together. */
export class Compilation {
  readonly #passes: { readonly mesh: string; readonly pass: MeshPass; open: boolean }[] = [];

  /** @throws GraphFault when an input breaks the contract of the graph; no pass is open then */
  constructor(hosts: Iterable<MeshHost>) {
    try {
      for (const { mesh, graph } of hosts) this.#passes.push({ mesh, pass: graph.begin(), open: true });
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** @returns true once all is computed. @throws what a pass throws, with all of them abandoned */
  step(budget: PassBudget): boolean {
    for (const one of this.#passes) {
      try {
        if (!one.pass.step(budget)) return false;
      } catch (error) {
        one.open = false;
        this.abandon();
        throw error;
      }
    }
    return true;
  }

  adopt(): { readonly mesh: string; readonly compiled: CompiledChange }[] {
    return this.#passes.map((one) => {
      one.open = false;
      return { mesh: one.mesh, compiled: one.pass.adopt() };
    });
  }

  /** What was set is taken over by the next pass. */
  abandon(): void {
    for (const one of this.#passes) {
      if (one.open) one.pass.abandon();
      one.open = false;
    }
  }
}
