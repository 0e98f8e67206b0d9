import type { Result, Tracer } from '#libs/kernel';
import type { Changes } from './door.js';

/** A door whose every write and plan is a span: what it became, or by which code it was refused. Never what was in it. */
export function traced(changes: Changes, tracer: Tracer): Changes {
  const within = <T, E extends { readonly code: string }>(
    name: string,
    mesh: string,
    work: () => Promise<Result<T, E>>,
  ): Promise<Result<T, E>> =>
    tracer.run(
      name,
      async (span) => {
        const result = await work();
        if (!result.ok) span.tell('heddle.refused', result.error.code);
        else if (isChange(result.value)) span.tell('heddle.change', result.value.change);
        return result;
      },
      { values: { 'heddle.mesh': mesh } },
    );
  return {
    ...changes,
    apply: (request) => within('change apply', request.mesh, () => changes.apply(request)),
    put: (request) => within('change apply', request.mesh, () => changes.put(request)),
    patch: (request) => within('change apply', request.mesh, () => changes.patch(request)),
    remove: (request) => within('change apply', request.mesh, () => changes.remove(request)),
    plan: (request) => within('change plan', request.mesh, () => changes.plan(request)),
    applyPlan: (request) => within('change apply', request.mesh, () => changes.applyPlan(request)),
    operate: (request) => within('change operate', request.mesh, () => changes.operate(request)),
  };
}

const isChange = (value: unknown): value is { readonly change: string } =>
  typeof value === 'object' && value !== null && 'change' in value && typeof value.change === 'string';
