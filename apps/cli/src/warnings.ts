import { note } from './output.js';

/** A remark of the control plane about a change that it has accepted. */
export interface Warning {
  readonly resource?: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly path: string;
  readonly message: string;
}

/** Tells warnings to people: the answer itself may be read by a program. */
export function tell(warnings: readonly Warning[]): void {
  for (const { resource, path, message } of warnings) {
    const where = resource ? [`${resource.kind} ${resource.namespace}/${resource.name}`] : [];
    note(`warning: ${[...where, ...(path ? [path] : [])].join(' ')}: ${message}`);
  }
}
