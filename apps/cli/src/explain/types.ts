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
  readonly total: number;
  readonly sets: readonly Field[];
  readonly loses: readonly Field[];
  readonly hidden: { readonly resources: number; readonly proxies: number; readonly fields: number };
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
