/** Names in cells, told apart; what is none of them comes as a name without a namespace. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** @param callee `<namespace>/<service>/<port>` */
export function serviceOf(callee: string): ServiceName {
  const [namespace, name, port, ...rest] = callee.split('/');
  return namespace !== undefined && name !== undefined && port !== undefined && rest.length === 0
    ? { namespace, name }
    : { namespace: '', name: callee };
}

/** @param caller `<namespace>/<workload>` */
export function workloadOf(caller: string): ServiceName {
  const [namespace, name, ...rest] = caller.split('/');
  return namespace !== undefined && name !== undefined && rest.length === 0
    ? { namespace, name }
    : { namespace: '', name: caller };
}

/** @param instance `<namespace>/<workload>/<instance>`. @returns undefined where only its address is known, or less */
export function instanceOf(instance: string): (ServiceName & { readonly workload: string }) | undefined {
  const [namespace, workload, name, ...rest] = instance.split('/');
  return namespace && workload && name && rest.length === 0 ? { namespace, workload, name } : undefined;
}

export const printed = ({ namespace, name }: ServiceName): string => (namespace === '' ? name : `${namespace}/${name}`);
