/** What is wrong with proxies, in the order in which somebody should look at it. */
import type { ProxyStatus } from '#libs/model';
import type { OperatorHome, TroubledProxy } from './operator.view.js';

const WORST_FIRST: readonly TroubledProxy['problem'][] = ['refuses', 'disconnected', 'duplicate', 'behind', 'token'];
const SHOWN = 50;
/** A proxy that has not answered for less is on its way. Milliseconds. */
const BEHIND_MS = 5_000;

const refuses = ({ types }: ProxyStatus): boolean => types.some(({ refused }) => refused.length > 0);
const behindMs = ({ types }: ProxyStatus): number => Math.max(0, ...types.map((type) => type.behindMs));

export function troubleOf(proxy: ProxyStatus): TroubledProxy | undefined {
  const { namespace, instance, workload } = proxy;
  const [first] = proxy.types.flatMap(({ refused }) => refused);
  const trouble = (problem: TroubledProxy['problem'], words: string): TroubledProxy => {
    return { namespace, instance, workload, problem, words };
  };
  if (first) return trouble('refuses', `${first.name}: ${first.message}`);
  if (!proxy.connected) return trouble('disconnected', 'no stream of it is open on any replica');
  if (proxy.duplicate) return trouble('duplicate', 'two streams have this identity');
  const late = behindMs(proxy);
  if (late >= BEHIND_MS) return trouble('behind', `has not answered for ${Math.round(late / 1_000)} s`);
  const { tokenState = 'ok', tokenDaysLeft = 0 } = proxy;
  if (tokenState !== 'ok') return trouble('token', `its token is good for ${Math.floor(tokenDaysLeft)} more days`);
  return undefined;
}

export function proxiesAtAGlance(
  proxies: readonly ProxyStatus[],
): Pick<OperatorHome, 'proxies' | 'troubled' | 'troubledTotal'> {
  const connected = proxies.filter((proxy) => proxy.connected);
  const refusing = proxies.filter(refuses).length;
  const behind = connected.filter((proxy) => !refuses(proxy) && behindMs(proxy) > 0).length;
  const troubled = proxies
    .flatMap((proxy) => troubleOf(proxy) ?? [])
    .sort((a, b) => WORST_FIRST.indexOf(a.problem) - WORST_FIRST.indexOf(b.problem));
  return {
    proxies: {
      ...{ total: proxies.length, connected: connected.length, behind, refusing },
      upToDate: connected.filter((proxy) => !refuses(proxy) && behindMs(proxy) === 0).length,
    },
    troubled: troubled.slice(0, SHOWN),
    troubledTotal: troubled.length,
  };
}
