/** Explanations as the API answers them. */
export interface Written {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision?: number;
  readonly change?: string;
  readonly actor?: string;
}

export interface Revisions {
  readonly revision: number;
  /** The change on trial that the proxy is given before others. */
  readonly trial?: string;
}

export interface ProxyName {
  readonly namespace: string;
  readonly instance: string;
}

export interface EnvoyResource {
  readonly type: string;
  readonly name: string;
  readonly about: Written;
}

export interface Node {
  readonly what: string;
  readonly written?: Written;
  readonly withheld?: true;
  readonly instance?: { readonly routable: boolean };
  readonly from: readonly Node[];
  readonly repeated?: true;
}

export interface Field {
  readonly place: string;
  readonly kind: string;
  readonly field: string;
  readonly value?: unknown;
  readonly from: Written;
  readonly shadowed: readonly Written[];
  readonly overruled?: true;
}

export interface OwnField {
  readonly place: string;
  readonly field: string;
  readonly value: unknown;
}

export interface Resources extends Revisions {
  readonly proxy: ProxyName;
  readonly resources: readonly EnvoyResource[];
  readonly hidden: number;
}

export interface Resource extends Revisions {
  readonly proxy: ProxyName;
  readonly resource: EnvoyResource;
  readonly tree: Node;
  readonly policies: readonly Field[];
  readonly own: readonly OwnField[];
  readonly hidden: number;
}

export interface Policy extends Revisions {
  readonly policy: Written;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly read: number;
  readonly resources: readonly (EnvoyResource & { readonly op: string; readonly proxies: number })[];
  readonly proxies: readonly (ProxyName & { readonly resources: number })[];
  /** Absent from a server that is older. */
  readonly scraped?: readonly ProxyName[];
  readonly total: number;
  readonly sets: readonly Field[];
  readonly loses: readonly Field[];
  readonly hidden: {
    readonly resources: number;
    readonly proxies: number;
    readonly scraped?: number;
    readonly fields: number;
  };
}

export interface Request extends Revisions {
  readonly proxy: ProxyName;
  readonly request: string;
  readonly listener: string;
  readonly destination: string;
  readonly place: string;
  readonly effects: readonly string[];
  readonly route?: { readonly name: string; readonly by?: Written };
  readonly clusters: readonly (EnvoyResource & {
    readonly share: number;
    readonly endpoints: readonly { readonly address: string; readonly instance?: string }[];
    readonly others: readonly { readonly instance: string; readonly reason: string }[];
    readonly policies: readonly Field[];
    readonly guards: readonly Field[];
  })[];
  readonly policies: readonly Field[];
  readonly own: readonly OwnField[];
  readonly others: readonly { readonly route: string; readonly reason: string }[];
  readonly hidden: number;
}

export interface InstanceOf {
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
}

export interface Held extends EnvoyResource {
  readonly hash: string;
  readonly revision?: number;
  readonly firstSeen?: string;
}

export interface Then {
  readonly proxy: ProxyName;
  readonly registered: boolean;
  readonly at: string;
  readonly attached: boolean;
  readonly replica: string;
  readonly since: string;
  readonly until?: string;
  readonly revision: number;
  readonly meshRevision: number;
  readonly resources: readonly Held[];
  readonly refused: readonly (EnvoyResource & { readonly hash: string; readonly message: string })[];
  readonly services: readonly { readonly about: Written; readonly instances: readonly InstanceOf[] }[];
  readonly gone: readonly InstanceOf[];
  readonly resource?: Held & {
    readonly content?: unknown;
    readonly change?: { readonly change: string; readonly at: string };
  };
  readonly hidden: number;
}

type Recompiled = EnvoyResource & { readonly hash: string; readonly now: 'same' | 'other' | 'none' };

export interface OfRevision {
  readonly proxy: ProxyName;
  readonly revision: number;
  readonly head: number;
  readonly resources: readonly Recompiled[];
  readonly added: readonly EnvoyResource[];
  readonly withheld: readonly Written[];
  readonly resource?: Recompiled & { readonly content?: unknown };
  readonly hidden: number;
}
