/** What pages about services show. */

export interface Ref {
  readonly namespace: string;
  readonly name: string;
}

export interface KindRef extends Ref {
  readonly kind: string;
}

export interface PortView {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

export interface ServiceRow extends Ref {
  readonly ports: readonly PortView[];
  readonly labels: Readonly<Record<string, string>>;
  /** Instances that the service selects, and those of them that serve. */
  readonly total: number;
  readonly ready: number;
  /** Services that it declares to call, `<namespace>/<name>`. */
  readonly dependencies: readonly string[];
  /** Config revision and time (RFC 3339) of its last write. */
  readonly revision: number;
  readonly updatedAt: string;
  /** The reader may change it. */
  readonly mine: boolean;
}

export interface ServiceList {
  readonly items: readonly ServiceRow[];
}

export interface InstanceView extends Ref {
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly zone: string;
  readonly ready: boolean;
  readonly leaving: boolean;
  readonly connected: boolean;
  readonly envoyVersion: string;
}

/** A resource that has to do with the service. */
export interface Concerning extends KindRef {
  /** `service`: names it. `namespace`, `mesh`: holds for all in there. */
  readonly reach: 'service' | 'namespace' | 'mesh';
  /** In a few words: `ALLOW shop/web`, `3 attempts`. */
  readonly says: string;
}

export interface ServiceDetail {
  readonly service: ServiceRow;
  readonly manifest: unknown;
  readonly instances: readonly InstanceView[];
  readonly routes: readonly Concerning[];
  readonly policies: readonly Concerning[];
  /** Services that declare to call it, and those that it declares to call. */
  readonly callers: readonly Ref[];
  readonly callees: readonly (Ref & { readonly known: boolean })[];
  /** Who may call it by the policies that name callers; undefined = nothing says who, so every identity may. */
  readonly allowed?: readonly string[] | undefined;
}
