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

export const mayVisit = (rights: Rights, mesh: string, home: HomeName): boolean =>
  NEEDS[home].every(([verb, kind]) => rights.touches({ verb, kind, mesh }));

/** The homes that one's rights allow, the one to begin with first. */
export const homesOf = (rights: Rights, mesh: string): readonly HomeName[] =>
  FIRST.filter((home) => mayVisit(rights, mesh, home));
