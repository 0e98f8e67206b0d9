import { createHmac, timingSafeEqual } from 'node:crypto';
import { BACKDATE_MS, type Issuer } from './mesh-authority.js';

/** What the version of an `identity` secret says: everything needed to judge it without having stored it. */
export interface LeafFacts {
  /** 32 hex digits. */
  readonly serial: string;
  /** Milliseconds since the epoch, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Id of the authority that signed it. */
  readonly issuer: string;
}

/** `v1.<serial>.<notBefore>.<notAfter>.<issuer>.<mac>`, times in seconds since the epoch, the mac 128 bits. */
const FORM = /^v1\.([0-9a-f]{32})\.(\d{1,11})\.(\d{1,11})\.([0-9a-f]{16})\.([A-Za-z0-9_-]{22})$/;

/** The version of a leaf, authenticated by its issuer and bound to the identity it was issued for. */
export function formatLeafVersion(facts: LeafFacts, issuer: Pick<Issuer, 'macKey'>, spiffeId: string): string {
  const text = `v1.${facts.serial}.${facts.notBefore / 1000}.${facts.notAfter / 1000}.${facts.issuer}`;
  return `${text}.${mac(issuer, text, spiffeId)}`;
}

/** The facts of a version, without having checked its mac; `undefined` for what has another form. */
export function parseLeafVersion(version: string): LeafFacts | undefined {
  const [, serial = '', from, until, issuer = ''] = FORM.exec(version) ?? [];
  if (from === undefined || until === undefined) return undefined;
  return { serial, notBefore: Number(from) * 1000, notAfter: Number(until) * 1000, issuer };
}

/** True if the version was made by this issuer for this identity: the client cannot have made it up. */
export function isGenuine(version: string, issuer: Pick<Issuer, 'macKey'>, spiffeId: string): boolean {
  const dot = version.lastIndexOf('.');
  const expected = Buffer.from(mac(issuer, version.slice(0, dot), spiffeId));
  const claimed = Buffer.from(version.slice(dot + 1));
  return claimed.length === expected.length && timingSafeEqual(claimed, expected);
}

/**
 * When the leaf is to be replaced, in milliseconds since the epoch: after 40 to 60 % of its life without the
 * backdating. A function of the serial, so that replicas agree (REL-30) and a fleet that joined at once spreads out.
 */
export function renewalTime(facts: LeafFacts): number {
  const from = Math.min(facts.notBefore + BACKDATE_MS, facts.notAfter);
  const spread = Number.parseInt(facts.serial.slice(-8), 16) / 2 ** 32;
  return Math.floor(from + (facts.notAfter - from) * (0.4 + 0.2 * spread));
}

function mac(issuer: Pick<Issuer, 'macKey'>, text: string, spiffeId: string): string {
  const digest = createHmac('sha256', issuer.macKey.expose()).update(`${text}\n${spiffeId}`).digest();
  return digest.subarray(0, 16).toString('base64url');
}
