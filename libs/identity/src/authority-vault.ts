import type { Authorities, AuthorityRow } from '#libs/store';
import { unwrapKey, wrapKey } from './envelope.js';
import type { Kek } from './kek.js';

/** A key to be stored, before it is wrapped. */
export interface AuthorityDraft {
  readonly id: string;
  readonly certificatePem: string;
  readonly pkcs8: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The authorities' rows, with their keys wrapped on the way in and opened on the way out. */
export class AuthorityVault {
  readonly #authorities: Authorities;
  readonly #kek: Kek;

  constructor(authorities: Authorities, kek: Kek) {
    this.#authorities = authorities;
    this.#kek = kek;
  }

  /** The active row, made by `create` when there is none; replicas that ask together get the same. */
  ensure(mesh: string, purpose: AuthorityRow['purpose'], create: () => Promise<AuthorityDraft>): Promise<AuthorityRow> {
    return this.#authorities.ensure(mesh, purpose, async () => this.#wrap(mesh, purpose, await create(), true));
  }

  /** Puts a new key in the place of an active one, which stays and verifies; another replica may have been faster. */
  rotate({ id, mesh, purpose }: AuthorityRow, create: () => Promise<AuthorityDraft>): Promise<AuthorityRow> {
    return this.#authorities.rotate(mesh, purpose, id, async () => this.#wrap(mesh, purpose, await create(), true));
  }

  /** A successor of the active row that signs nothing yet. @returns false when somebody else was faster */
  prepare(
    mesh: string,
    purpose: AuthorityRow['purpose'],
    activeId: string,
    create: () => Promise<AuthorityDraft>,
  ): Promise<boolean> {
    return this.#authorities.prepare(mesh, purpose, activeId, async () =>
      this.#wrap(mesh, purpose, await create(), false),
    );
  }

  /** All rows of a mesh, newest first. */
  list(mesh: string): Promise<readonly AuthorityRow[]> {
    return this.#authorities.list(mesh);
  }

  #wrap(mesh: string, purpose: AuthorityRow['purpose'], draft: AuthorityDraft, active: boolean): AuthorityRow {
    const { id, certificatePem, pkcs8, notAfter } = draft;
    const wrappedKey = wrapKey(this.#kek, { mesh, id, purpose }, pkcs8);
    return { id, mesh, purpose, certificatePem, wrappedKey, notAfter, active };
  }

  /** The private key of a row as PKCS #8. @throws KekUnusable */
  open(row: AuthorityRow): Uint8Array {
    return unwrapKey(this.#kek, { mesh: row.mesh, id: row.id, purpose: row.purpose }, row.wrappedKey);
  }
}
