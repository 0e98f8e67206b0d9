import type { Strand } from './signs';
import { Weave } from './signs';

interface Numbers {
  readonly acked: number;
  readonly total: number;
  readonly refused: number;
}

export const deliveryStrands = ({ acked, total, refused }: Numbers): readonly Strand[] => [
  { tone: 'good', count: acked, what: 'have it' },
  { tone: 'bad', count: refused, what: 'refused' },
  { tone: 'idle', count: Math.max(0, total - acked - refused), what: 'on the way' },
];

/** How far a change has come: a thread for each proxy. */
export const DeliveryWeave = ({ big = false, ...numbers }: Numbers & { readonly big?: boolean }) => (
  <Weave strands={deliveryStrands(numbers)} big={big} />
);

/** `Delivered to all 12` */
export function deliveryWords(state: string, { acked, total, refused }: Numbers): string {
  if (state === 'Delivered') return total === 0 ? 'concerned no proxy' : `${acked} of ${total} have it`;
  if (state === 'Refused') return `${refused} of ${total} refused`;
  if (state === 'Delivering') return `${acked} of ${total}`;
  if (state === 'Unserved') return 'no replica serves proxies';
  return 'not known any more';
}
