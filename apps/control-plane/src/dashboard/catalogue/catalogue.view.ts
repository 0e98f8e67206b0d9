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
  /** The port of the service that it is about; absent = all of them. */
  readonly port?: string;
  /** Why it is not in force; absent = it is. */
  readonly problem?: string;
  /** In a few words: `ALLOW shop/web`, `3 attempts`. */
  readonly says: string;
}

/** Who may call a port. */
export interface PortAccess {
  readonly port: string;
  /**
   * - open: every identity of the mesh, but for what a policy denies
   * - guarded: whom a policy allows
   * - closed: nobody, since a policy cannot be read or compiled
   */
  readonly state: 'open' | 'guarded' | 'closed';
  /** Whom the policies in force there let in, as far as the reader may read them. */
  readonly callers: readonly string[];
  /** Policies that are in force there, and those of them that the reader may not read. */
  readonly policies: number;
  readonly hidden: number;
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
  /** Who may call it, port by port; undefined = not known: this replica has not compiled the service (yet). */
  readonly access?: readonly PortAccess[] | undefined;
}
