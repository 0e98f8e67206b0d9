import { heading, prove, tell, until } from '../narrator.js';
import { askAs, send } from '../requests.js';
import type { Hop } from '../shop/hop.js';
import { proxies, replica, type Shop } from '../shop-mesh.js';
import { bindAddress, HTTP_PORT } from '../topology.js';

/** Step 1: services find one another, every hop is mTLS, plaintext is refused. */
export async function discovery(shop: Shop): Promise<void> {
  heading('1. Services find one another, and every hop is mutual TLS');
  await until(
    'every replica takes traffic',
    60_000 * shop.slowness,
    async () => (await proxies(shop)).filter((proxy) => proxy.routable).length >= shop.replicas.size,
  );
  const web = replica(shop, 'web-1').plan;
  const answer = await until('the shop answers', 30_000 * shop.slowness, async () => {
    const page = await askAs(web, { host: 'web', path: '/shop' });
    return page.calls.length === 2 ? page : undefined;
  });
  for (const hop of hops(answer))
    tell(`  ${hop.callerSpiffeId || 'nobody'} -> ${hop.service} ${hop.version} (${hop.instance})`);
  const callers = hops(answer).map((hop) => `${workloadOf(hop.callerSpiffeId)}>${hop.service}`);
  prove(
    ['web>web', 'web>orders', 'web>catalog', 'catalog>payments'].every((hop) => callers.includes(hop)) &&
      callers.some((hop) => /^orders-(blue|green)>payments$/.test(hop)),
    'each service names its caller by the SPIFFE id of a certificate from the mesh (payments over HTTP and gRPC)',
    callers,
  );
  const target = { address: bindAddress(replica(shop, 'orders-blue-1').plan), port: HTTP_PORT };
  const plain = await send({ ...target, call: { host: 'orders', path: '/' } });
  prove(plain.status === 0, 'plaintext to a STRICT port is refused', plain);
}

/** An answer and the answers that it was made of, down to the last service. */
function hops(answer: Hop): Hop[] {
  return [answer, ...answer.calls.flatMap((call) => hops(call.answer as Hop))];
}

const workloadOf = (spiffeId: string | null): string => spiffeId?.split('/').at(-1) ?? '';
