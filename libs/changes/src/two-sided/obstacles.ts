/** Writes that have two sides, a caller and who it calls, and would cut one off from the other as things are now. */
import { printId } from '#libs/model';
import type { LiveMesh } from '../live.js';
import type { Prepared } from '../prepare.js';
import type { ChangesDeps, WriteContext } from '../types.js';
import { type PlaintextObstacle, plaintextIn } from './plaintext.js';
import type { ToldObstacle } from './told.js';
import { type TrustObstacle, trustIn } from './trust.js';

export type Obstacle = PlaintextObstacle | TrustObstacle;

/** What stands against the writes now, said by who writes them; each can be overruled. @param live to name services */
export async function obstaclesTo(
  deps: Pick<ChangesDeps, 'store'>,
  live: LiveMesh | undefined,
  { intended, existing }: Pick<Prepared, 'intended' | 'existing'>,
): Promise<readonly Obstacle[]> {
  const found: Obstacle[] = [];
  for (const write of intended) {
    if (write.kind !== 'Mesh' || write.op === 'unchanged') continue;
    found.push(...(await plaintextIn(deps, live, write)), ...(await trustIn(deps, write, existing.get(write))));
  }
  return found;
}

/** The refusal of a write that obstacles stand against. */
export const twoSided = (
  obstacles: readonly Obstacle[],
  { mayKnow = () => false }: Pick<WriteContext, 'mayKnow'>,
): { readonly code: 'two-sided'; readonly obstacles: readonly ToldObstacle[] } => ({
  code: 'two-sided',
  obstacles: obstacles.map((one) => ({ code: one.code, message: wordsOf(one, mayKnow) })),
});

/** For the audit: what was overruled. */
export const overruled = (obstacles: readonly Obstacle[]): readonly ToldObstacle[] | undefined =>
  obstacles.length === 0 ? undefined : twoSided(obstacles, { mayKnow: () => true }).obstacles;

/** In words, for people. @param mayKnow whether they may be told of what is in a namespace by name */
export function wordsOf(obstacle: Obstacle, mayKnow: (namespace: string) => boolean): string {
  if (obstacle.code !== 'plaintext-in-use') return trustWords(obstacle, mayKnow);
  const known = obstacle.uses.filter(({ namespace }) => mayKnow(namespace));
  const named = known.slice(0, 10).map((one) => `${printId(one)} (${one.requests})`);
  const others = obstacle.uses.length - named.length;
  const where = [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  return `requests without mutual TLS came in the last 5 minutes, and would be refused: ${where}`;
}

function trustWords(obstacle: TrustObstacle, mayKnow: (namespace: string) => boolean): string {
  const { mesh } = obstacle;
  switch (obstacle.code) {
    case 'trust-domain-in-use':
      return `proxies of mesh ${mesh} have certificates of ${obstacle.from} and take no others: first add ${obstacle.to} to trustDomainAliases; when every proxy has that, make it the trustDomain and ${obstacle.from} an alias; 12 hours later remove the alias`;
    case 'stage-not-delivered': {
      const known = obstacle.proxies.filter((proxy) => mayKnow(proxy.slice(0, proxy.indexOf('/')))).slice(0, 10);
      const others = obstacle.proxies.length - known.length;
      const who = [...known, ...(others > 0 ? [`${others} more`] : [])].join(', ');
      return `the step before, ${obstacle.change}, has not reached everybody: ${who === '' ? 'wait a few seconds' : who}`;
    }
    case 'trust-domain-aliases-in-use':
      return `connections opened under ${obstacle.names.join(', ')} may live for another ${Math.ceil(obstacle.leftMs / 3_600_000)} hours`;
  }
}
