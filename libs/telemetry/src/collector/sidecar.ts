import { parseNodeId } from '#libs/kernel';
import type { MeshNames } from './mesh-names.js';

/** Whose sidecar tells, by its credential. */
export interface Sidecar {
  readonly mesh: string;
  readonly namespace: string;
  /** `<namespace>/<workload>` */
  readonly workload: string;
  /** `<namespace>/<workload>/<instance>` */
  readonly instance: string;
  /** `<namespace>/<instance>` */
  readonly key: string;
  readonly zone: string;
}

export function sidecarOf(node: string, names: MeshNames): Sidecar | undefined {
  const id = parseNodeId(node);
  if (!id) return undefined;
  const { mesh, namespace, workload, instance } = id;
  const key = `${namespace}/${instance}`;
  return {
    ...{ mesh, namespace, key },
    workload: `${namespace}/${workload}`,
    instance: `${namespace}/${workload}/${instance}`,
    zone: names.instance(mesh, key)?.zone ?? '',
  };
}
