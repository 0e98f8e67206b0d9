import { heading, prove, tell, until } from '../narrator.js';
import { callAs } from '../requests.js';
import { replica, type Shop } from '../shop-mesh.js';
import { actOn, tryOut, untilTrial } from '../trial.js';

const WITHIN_SECONDS = 3;

/** Step 9: a change that locks its author out is taken back, also when the control plane dies in between. */
export async function confirm(shop: Shop): Promise<void> {
  heading('9. A change must be confirmed, or it is taken back');
  const manifests = [lockedOut];
  const trial = { confirmWithinSeconds: WITHIN_SECONDS };
  const id = await tryOut(shop, { manifests, message: 'nobody may call catalog', trial });
  await until('nobody may call catalog', 30_000 * shop.slowness, async () => (await status(shop)) === 403);
  tell('  everybody is refused by catalog; the control plane is killed');
  await shop.controlPlane.kill();
  await shop.controlPlane.start();
  const { state, reason } = await untilTrial(shop, id, (found) => found.state !== 'watched');
  prove(state === 'reverted', `it was taken back: ${reason}`, { state, reason });
  await until('catalog answers again', 30_000 * shop.slowness, async () => (await status(shop)) === 200);
  const kept = await tryOut(shop, {
    manifests: [open],
    message: 'everybody may',
    trial: { confirmWithinSeconds: 600 },
  });
  const confirmed = await actOn(shop, kept, 'confirm');
  prove(confirmed.state === 'done', `${kept} is kept: ${confirmed.reason}`, confirmed);
}

const status = async (shop: Shop): Promise<number> =>
  (await callAs(replica(shop, 'web-1').plan, { host: 'catalog', path: '/' })).status;

const policy = (action: string): unknown => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'catalog', namespace: 'shop' },
  spec: { targetRef: { kind: 'Service', name: 'catalog' }, action, rules: [{ to: [{ paths: ['/*'] }] }] },
});
const lockedOut = policy('DENY');
const open = policy('ALLOW');
