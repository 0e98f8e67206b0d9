import type { Delivery } from '#libs/changes';
import type { FieldChange } from '#libs/diff';

import type { StagedView } from '../staged/types.js';

export type { Delivery } from '#libs/changes';

/** What an event, and the page, say of how far a change has come. */
export interface ChangeState {
  readonly change: string;
  /** Absent of changes that are not written yet: what is said of those stands beside it. */
  readonly delivery?: Delivery & { readonly hidden?: number };
  /** The trial that it is on, or was. */
  readonly staged?: StagedView;
}

export interface ChangePage extends ChangeState {
  readonly at?: string;
  readonly actor?: string;
  readonly message?: string;
  readonly reverts?: string;
  readonly items: readonly {
    readonly op: 'create' | 'update' | 'delete';
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly fields: readonly FieldChange[];
    readonly manifest?: unknown;
  }[];
  readonly hidden?: number;
}

/** `3 of 10 proxies` */
export const counted = ({ acked, total }: Pick<Delivery, 'acked' | 'total'>): string => `${acked} of ${total} proxies`;
