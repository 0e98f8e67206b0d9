import type { Delivery } from '#libs/changes';
import { CliError, EXIT } from '../exit-codes.js';
import { counted } from './counted.js';

/** @throws CliError when a proxy has refused the change, or has not answered yet @param waited for how long, in words */
export function requireDelivered(change: string, delivery: Delivery, waited: string): void {
  const { refusing, total, state } = delivery;
  if (refusing > 0) {
    throw new CliError(`${refusing} of ${total} proxies refused the change`, EXIT.proxyRefused, [
      ...refusedLines(delivery),
      `take it back: heddle rollback ${change}`,
    ]);
  }
  if (state === 'Unserved') throw new CliError('no replica serves proxies: nobody has the change', EXIT.undelivered);
  if (state !== 'Delivering') return;
  throw new CliError(
    `only ${counted(delivery)} have the change ${waited}; it is stored and still on its way`,
    EXIT.undelivered,
    [...behindLines(delivery), `go on watching: heddle change watch ${change}`],
  );
}

/** Who refuses what, with Envoy's words. */
export const refusedLines = ({ refused }: Delivery): readonly string[] =>
  refused.map(({ proxy, type, name, message }) => `${proxy}: ${type} ${name}: ${message}`);

/** Who has not answered: proxies, and replicas. */
export function behindLines({ behind, replicas, total, acked, refusing }: Delivery): readonly string[] {
  const unnamed = total - acked - refusing - behind.length;
  return [
    ...behind.map(({ proxy, sinceMs }) => `${proxy} has not answered for ${Math.round(sinceMs / 1000)} s`),
    ...(unnamed > 0 ? [`and ${unnamed} others`] : []),
    ...replicas.filter((one) => one.pending).map(({ replica }) => `replica ${replica} has not come to it`),
  ];
}
