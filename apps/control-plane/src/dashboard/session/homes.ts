import { ProblemError } from '#libs/api';
import type { Rights } from '#libs/model';
import type { HomeName } from './session.view.js';

/** Where one looks for what a persona does. All of them must be allowed on something in the mesh. */
const NEEDS: Readonly<Record<HomeName, readonly (readonly ['get' | 'list' | 'create' | 'update', string])[]>> = {
  owner: [['list', 'Service']],
  operator: [
    ['list', 'Proxy'],
    ['create', 'ProxyToken'],
  ],
  security: [
    ['get', 'Audit'],
    ['update', 'AuthorizationPolicy'],
  ],
  release: [['update', 'HTTPRoute']],
  auditor: [['get', 'Audit']],
};

/** Pages that one begins with first. */
const FIRST: readonly HomeName[] = ['operator', 'security', 'release', 'auditor', 'owner'];

const mayVisit = (rights: Rights, mesh: string, home: HomeName): boolean =>
  NEEDS[home].every(([verb, kind]) => rights.touches({ verb, kind, mesh }));

/** Asked by the module of each home itself: what a page does not offer is not answered either. @throws ProblemError 403 */
export function requireHome(rights: Rights, mesh: string, home: HomeName): void {
  if (mayVisit(rights, mesh, home)) return;
  const needs = NEEDS[home].map(([verb, kind]) => `${verb} ${kind}`).join(' and ');
  throw new ProblemError(403, 'forbidden', `this home is for who may ${needs} in the mesh ${mesh}`);
}

/** The homes that one's rights allow, the one to begin with first: for who writes some services, but not all, his own. */
export function homesOf(rights: Rights, mesh: string): readonly HomeName[] {
  const services = { verb: 'update', kind: 'Service', mesh } as const;
  const isOwner = rights.touches(services) && !rights.covers({ ...services, namespace: undefined });
  const homes = FIRST.filter((home) => mayVisit(rights, mesh, home));
  return isOwner ? ['owner', ...homes.filter((home) => home !== 'owner')] : homes;
}
