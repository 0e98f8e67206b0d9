import { heading, prove, tell, until } from '../narrator.js';
import { askAs } from '../requests.js';
import { apply, applyFile, delivered, proxies, remove, replica, type Shop } from '../shop-mesh.js';
import { ordersRoute } from './shift.js';

/** Step 5: a change that one Envoy refuses holds nothing else back, and everybody can read why. */
export async function refusal(shop: Shop): Promise<void> {
  heading('5. One Envoy refuses a change; a good change goes on');
  await applyFile(shop, 'too-large-a-regex.yaml', 'a regular expression that is too large for web-2');
  const words = await until('the refusal is known', 30_000 * shop.slowness, () => refusedWords(shop));
  tell(`  web-2 says: ${words.slice(0, 160)}`);
  prove(/regex|program size/i.test(words), "the status of web-2 shows Envoy's own words", words);
  await delivered(shop, await apply(shop, [ordersRoute(100, 0)], 'a good change after a bad one'));
  const answer = await askAs(replica(shop, 'web-2').plan, { host: 'orders', path: '/v1/1' });
  prove(answer.version === 'blue', 'web-2 got the good change that was made after it', answer.version);
  await remove(shop, 'httproutes', 'payments');
  await until('the refusal is over', 30_000 * shop.slowness, async () => (await refusedWords(shop)) === undefined);
  prove(true, 'the bad route was removed, and nothing is refused any more', '');
}

async function refusedWords(shop: Shop): Promise<string | undefined> {
  const proxy = (await proxies(shop)).find((one) => one.instance === 'web-2');
  return proxy?.types.flatMap((type) => type.refused).at(0)?.message;
}
