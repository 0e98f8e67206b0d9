import { compareCodeUnits, contentHash } from '#libs/kernel';

/** A proxy that would notice the change. */
export interface Touched {
  /** `<namespace>/<instance>` */
  readonly proxy: string;
  readonly host: string;
  /** `region/zone/subzone`; '' = not stated. */
  readonly locality: string;
  /** It has a stream to some replica: one that has none says nothing. */
  readonly connected: boolean;
}

interface Ranked extends Touched {
  /** A throw of dice, by the change's id. */
  readonly rank: string;
}

/**
 * Who is given a change first: of those that are connected, as long as there are any. At least two where there are two, of different hosts, so that evidence can be shared; then
 * spread evenly: no host has a second turn before every host has had one, and localities take turns. The same for the
 * same proxies on every replica; for another change another choice. Who has it already stays.
 * @param share above 0, below 100 %
 * @returns sorted
 */
export function cohortOf(
  touched: readonly Touched[],
  { change, share, before }: { readonly change: string; readonly share: number; readonly before: readonly string[] },
): readonly string[] {
  const has = new Set(before);
  const wanted = Math.max(Math.ceil((touched.length * share) / 100), Math.min(2, touched.length));
  const staying = touched.filter(({ proxy }) => has.has(proxy));
  const [first, last] = [true, false].map((connected) => touched.filter((one) => one.connected === connected));
  const order = [...inTurn(first ?? [], change, has), ...inTurn(last ?? [], change, has)];
  const others = order.filter((proxy) => !has.has(proxy)).slice(0, Math.max(0, wanted - staying.length));
  return [...staying.map(({ proxy }) => proxy), ...others].sort(compareCodeUnits);
}

/** Those who have it already count as having had their turn. */
function inTurn(touched: readonly Touched[], change: string, has: ReadonlySet<string>): readonly string[] {
  const hadTurn = ({ proxy }: Touched): number => Number(!has.has(proxy));
  const ranked = touched
    .map((one): Ranked => ({ ...one, rank: contentHash(`${change} ${one.proxy}`) }))
    .sort((a, b) => hadTurn(a) - hadTurn(b) || compareCodeUnits(a.rank, b.rank));
  const turn = turns(ranked, ({ host }) => host);
  const hosts = [...new Map(ranked.map((one) => [one.host, one])).values()];
  const hostTurns = turns(hosts, ({ locality }) => locality);
  const turnOfHost = new Map(hosts.map(({ host }, i) => [host, hostTurns[i] ?? 0]));
  return ranked
    .map((one, i) => ({ ...one, turn: turn[i] ?? 0, hostTurn: turnOfHost.get(one.host) ?? 0 }))
    .sort((a, b) => a.turn - b.turn || a.hostTurn - b.hostTurn || compareCodeUnits(a.rank, b.rank))
    .map(({ proxy }) => proxy);
}

/** How many of the same group come before each. */
function turns(list: readonly Ranked[], groupOf: (one: Ranked) => string): readonly number[] {
  const seen = new Map<string, number>();
  return list.map((one) => {
    const group = groupOf(one);
    const turn = seen.get(group) ?? 0;
    seen.set(group, turn + 1);
    return turn;
  });
}
