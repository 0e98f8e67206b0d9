import { heading, prove, tell } from '../narrator.js';
import type { Shop } from '../shop-mesh.js';
import { MESH } from '../topology.js';

interface Entry {
  readonly change: string;
  readonly at: string;
  readonly actor: string;
  readonly message: string;
  readonly items: readonly { readonly op: string; readonly kind: string; readonly name: string }[];
}

/** Step 10: who changed what. */
export async function history(shop: Shop): Promise<void> {
  heading('10. Who changed what');
  const { items } = await shop.controlPlane.request<{ items: readonly Entry[] }>(
    'GET',
    `/api/v1/meshes/${MESH}/history?limit=50`,
  );
  for (const entry of items) {
    const what = entry.items.map((item) => `${item.op} ${item.kind} ${item.name}`).join(', ');
    const why = entry.message ? ` (${entry.message})` : '';
    tell(`  ${entry.at}  ${entry.change.padEnd(6)} ${entry.actor.padEnd(8)} ${what}${why}`);
  }
  const messages = items.map((entry) => entry.message);
  prove(
    ['the shop', 'orders 90/10', 'only web may call orders', 'a good change after a bad one'].every((message) =>
      messages.includes(message),
    ) && items.every((entry) => entry.actor),
    `every one of ${items.length} changes is there, with its author`,
    messages,
  );
}
