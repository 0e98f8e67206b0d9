/** Changes on trial, as the steps see them. */
import { until } from './narrator.js';
import type { Shop } from './shop-mesh.js';
import { MESH } from './topology.js';

export interface Trial {
  readonly id: string;
  readonly state: string;
  /** From 1; 0 = it is not open. */
  readonly wave: number;
  readonly members: readonly string[];
  readonly change?: string;
  readonly reason: string;
}

const STAGED = `/api/v1/meshes/${MESH}/staged`;
const PATIENCE_MS = 60_000;

/** @param body of an apply request with a trial. @returns id of the trial */
export async function tryOut(shop: Shop, body: object): Promise<string> {
  const path = `/api/v1/meshes/${MESH}/apply`;
  const answer = await shop.controlPlane.request<{ change: string; staged?: string }>('POST', path, body);
  if (answer.staged === undefined) throw new Error(`${answer.change} is not on trial`);
  return answer.staged;
}

export const trialOf = (shop: Shop, id: string): Promise<Trial> => shop.controlPlane.request('GET', `${STAGED}/${id}`);

export const untilTrial = (shop: Shop, id: string, is: (trial: Trial) => boolean): Promise<Trial> =>
  until(`${id} gets on`, PATIENCE_MS * shop.slowness, async () => {
    const trial = await trialOf(shop, id);
    if (!is(trial)) throw new Error(`${trial.state}: ${trial.reason}`);
    return trial;
  });

export const actOn = (shop: Shop, id: string, act: string): Promise<Trial> =>
  shop.controlPlane.request('POST', `${STAGED}/${id}/${act}`);
