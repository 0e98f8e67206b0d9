import { hkdfSync, randomBytes } from 'node:crypto';
import { sortedBy } from '#libs/kernel';
import type { AuthorityRow } from '#libs/store';
import type { AuthorityDraft, AuthorityVault } from './authority-vault.js';
import { IssuingPaused } from './errors.js';
import { Secret } from './secret.js';
import { createAuthority, privateKeyOf, readAuthority, type SigningParent } from './x509-authority.js';
import type { LeafIssuer } from './x509-leaf.js';

const DAY_MS = 86_400_000;
export const ROOT_LIFE_MS = 3650 * DAY_MS;
export const INTERMEDIATE_LIFE_MS = 365 * DAY_MS;

/** Certificates begin this long before they are made, for machines whose clock is behind (REL-29). */
export const BACKDATE_MS = 300_000;

/** An authority that signs leaves. */
export interface Issuer extends LeafIssuer {
  readonly id: string;
  readonly certificatePem: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** False when it is prepared or retired: it signs nothing, what a retired one signed is still good. */
  readonly active: boolean;
  /** Key of the macs in leaf versions; equal on every replica because it comes from the authority's private key. */
  readonly macKey: Secret<Uint8Array>;
}

export interface TrustedRoot {
  readonly id: string;
  /** False before its time has come, and after it: it is trusted all the same. */
  readonly active: boolean;
  readonly certificatePem: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The authorities of one mesh, as read from the store: an immutable value. */
export interface MeshAuthority {
  readonly mesh: string;
  /** Newest first. */
  readonly issuers: readonly Issuer[];
  /** By id, so that the bundle made of them is the same on every replica. */
  readonly roots: readonly TrustedRoot[];
}

/** Makes the root and the intermediate of a mesh where they are missing, and reads everything there is. */
export async function loadMeshAuthority(vault: AuthorityVault, mesh: string, now: number): Promise<MeshAuthority> {
  const root = await vault.ensure(mesh, 'root', () => draftRoot(`Heddle root of mesh ${mesh}`, now, 1));
  await vault.ensure(mesh, 'intermediate', () => draftIntermediate(mesh, { row: root, vault }, now));
  return meshAuthorityOf(vault, mesh, await vault.list(mesh));
}

/** The same from rows that are at hand. @throws KekUnusable */
export function meshAuthorityOf(vault: AuthorityVault, mesh: string, rows: readonly AuthorityRow[]): MeshAuthority {
  const roots = rows
    .filter((row) => row.purpose === 'root')
    .map(({ id, active, certificatePem }) => {
      const { notBefore, notAfter } = readAuthority(certificatePem);
      return { id, active, certificatePem, notBefore, notAfter };
    });
  return {
    mesh,
    issuers: rows.filter((row) => row.purpose === 'intermediate').map((row) => issuerOf(vault, row)),
    roots: sortedBy(roots, (root) => root.id),
  };
}

/** @throws KekUnusable when the row's key does not open */
export function issuerOf(vault: AuthorityVault, row: AuthorityRow): Issuer {
  const pkcs8 = vault.open(row);
  const { subject, keyId, notBefore, notAfter } = readAuthority(row.certificatePem);
  const macKey = hkdfSync('sha256', pkcs8, '', `heddle leaf version v1 ${row.mesh} ${row.id}`, 32);
  return {
    id: row.id,
    certificatePem: row.certificatePem,
    subject,
    keyId,
    notBefore,
    notAfter,
    active: row.active,
    privateKey: privateKeyOf(pkcs8),
    macKey: new Secret(new Uint8Array(macKey)),
  };
}

/** Shortest certificate worth issuing: an issuer with less life than this counts as expired. */
const SHORTEST_LEAF_MS = 60_000;

/**
 * The authority that signs now: the newest one that is active and within its dates.
 * @throws IssuingPaused when there is none (REL-31): an expired issuer never signs.
 */
export function signingIssuer(issuers: readonly Issuer[], of: string, now: number): Issuer {
  const found = issuers.find(
    (issuer) => issuer.active && issuer.notBefore <= now && now + SHORTEST_LEAF_MS < issuer.notAfter,
  );
  if (found) return found;
  throw new IssuingPaused(
    'issuer-expired',
    `the certificate authority of ${of} has expired or is not valid yet: rotate it; running proxies keep what they hold until it expires`,
  );
}

/** Start and end of a leaf: backdated (REL-29), and never outside its issuer's own dates (SEC-20, REL-31). Whole seconds. */
export function leafDates(
  issuer: { readonly notBefore: number; readonly notAfter: number },
  now: number,
  lifetimeMs: number,
): { readonly notBefore: number; readonly notAfter: number } {
  const wanted = Number.isFinite(lifetimeMs) ? Math.max(SHORTEST_LEAF_MS, lifetimeMs) : SHORTEST_LEAF_MS;
  const notBefore = Math.max(issuer.notBefore, wholeSeconds(now - BACKDATE_MS));
  return { notBefore, notAfter: Math.min(issuer.notAfter, wholeSeconds(now + wanted)) };
}

export async function draftRoot(commonName: string, now: number, pathLength: number): Promise<AuthorityDraft> {
  const notBefore = wholeSeconds(now - BACKDATE_MS);
  const notAfter = wholeSeconds(now + ROOT_LIFE_MS);
  const made = await createAuthority({ commonName, pathLength, notBefore, notAfter });
  return { id: newKeyId(), certificatePem: made.certificatePem, pkcs8: made.pkcs8.expose(), notAfter };
}

export async function draftIntermediate(
  mesh: string,
  root: { readonly row: AuthorityRow; readonly vault: AuthorityVault },
  now: number,
): Promise<AuthorityDraft> {
  const dates = readAuthority(root.row.certificatePem);
  if (now < dates.notBefore || dates.notAfter <= now) {
    throw new IssuingPaused('issuer-expired', `the root of mesh ${mesh} has expired or is not valid yet: rotate it`);
  }
  const parent: SigningParent = { certificatePem: root.row.certificatePem, pkcs8: root.vault.open(root.row) };
  const { notBefore, notAfter } = leafDates(dates, now, INTERMEDIATE_LIFE_MS);
  const subject = { commonName: `Heddle issuer of mesh ${mesh}`, pathLength: 0, notBefore, notAfter };
  const made = await createAuthority(subject, parent);
  return { id: newKeyId(), certificatePem: made.certificatePem, pkcs8: made.pkcs8.expose(), notAfter };
}

/** Names a key in the store, in tokens and in versions; random, because it must be known before the key is wrapped. */
export const newKeyId = (): string => randomBytes(8).toString('hex');

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
