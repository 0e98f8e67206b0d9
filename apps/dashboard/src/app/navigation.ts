import {
  BellRing,
  BookCheck,
  Boxes,
  FileCode2,
  Gauge,
  GitCommitVertical,
  History,
  KeyRound,
  Network,
  OctagonX,
  PackageCheck,
  ScanSearch,
  ShieldCheck,
  UserRound,
  Waypoints,
} from 'lucide-react';
import type { ComponentType } from 'react';
import type { HomeName } from '../api/views';
import { HOMES } from '../session/session';

export interface Destination {
  readonly href: string;
  readonly title: string;
  /** Where there is little room. */
  readonly short: string;
  readonly icon: ComponentType<{ readonly size?: number | string; readonly 'aria-hidden'?: boolean }>;
}

const ICONS: Readonly<Record<HomeName, Destination['icon']>> = {
  owner: UserRound,
  operator: Gauge,
  security: ShieldCheck,
  release: PackageCheck,
  auditor: BookCheck,
};

export const homeOf = (name: HomeName): Destination => ({
  ...{ href: `/home/${name}`, title: HOMES[name].title, short: 'Home', icon: ICONS[name] },
});

/** Pages that everybody has; what they show is cut to who looks. */
export const MESH: readonly Destination[] = [
  { href: '/map', title: 'Map', short: 'Map', icon: Network },
  { href: '/services', title: 'Services', short: 'Services', icon: Boxes },
  { href: '/alerts', title: 'Alerts', short: 'Alerts', icon: BellRing },
  { href: '/patterns', title: 'Patterns', short: 'Patterns', icon: ScanSearch },
  { href: '/failures', title: 'Failures', short: 'Failures', icon: OctagonX },
  { href: '/timeline', title: 'Timeline', short: 'Timeline', icon: History },
  { href: '/proxies', title: 'Proxies', short: 'Proxies', icon: Waypoints },
  { href: '/changes', title: 'Changes', short: 'Changes', icon: GitCommitVertical },
  { href: '/resources', title: 'Resources', short: 'Resources', icon: FileCode2 },
  { href: '/certificates', title: 'Certificates', short: 'Certificates', icon: KeyRound },
];

/** On a phone, within the reach of a thumb. */
export const THUMB: readonly string[] = ['/services', '/alerts', '/patterns', '/changes'];
