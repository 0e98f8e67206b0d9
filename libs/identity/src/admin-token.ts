import { randomBytes, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, err, ok, type Result, type Violation } from '#libs/kernel';
import type { Actor } from '#libs/store';
import type { ApiTokens, CreatedApiToken } from './api-tokens.js';

const FILE = 'admin-token';
const LIFE_MS = 3_600_000;
/** The end of its life is part of the token: no file time has to be trusted. */
const FORM = /^hdl_once_(\d{1,11})_[0-9a-f]{64}$/;

/** A one-time token that waits in a file. The text itself is only ever in the file. */
export interface AdminTokenFile {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Writes a one-time admin token to `<data directory>/admin-token`, mode 0600, unless a living one is there (SEC-46).
 * An expired one is replaced.
 */
export async function ensureAdminToken(dataDirectory: string, clock: Pick<Clock, 'now'>): Promise<AdminTokenFile> {
  const path = join(dataDirectory, FILE);
  const now = clock.now();
  const found = expiryOf(await readOrNothing(path));
  if (found !== undefined && now < found && found <= now + LIFE_MS) return { path, expiresAt: found };
  const expiresAt = Math.floor((now + LIFE_MS) / 1000) * 1000;
  const text = `hdl_once_${expiresAt / 1000}_${randomBytes(32).toString('hex')}\n`;
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
  await chmod(aside, 0o600);
  await rename(aside, path);
  return { path, expiresAt };
}

export type ExchangeRefusal =
  | { readonly code: 'not-good' }
  | { readonly code: 'invalid'; readonly violations: Violation[] };

export interface AdminLoginOptions {
  readonly dataDirectory: string;
  readonly apiTokens: ApiTokens;
  readonly clock: Clock;
}

/** The way in on the first run: a one-time token in a file that only the server's user can read (SEC-46). */
export class AdminLogin {
  readonly #options: AdminLoginOptions;

  constructor(options: AdminLoginOptions) {
    this.#options = options;
  }

  /**
   * Writes a one-time token if nobody could log in as admin otherwise. @returns undefined when somebody can
   * @throws StoreUnavailable
   */
  async ensure(): Promise<AdminTokenFile | undefined> {
    const now = this.#options.clock.now();
    const admins = (await this.#options.apiTokens.list()).some(
      ({ role, meshes, revoked, expiresAt }) => role === 'admin' && meshes.length === 0 && !revoked && now < expiresAt,
    );
    return admins ? undefined : ensureAdminToken(this.#options.dataDirectory, this.#options.clock);
  }

  /**
   * Turns the one-time token into a named admin token of 30 days; it dies at this, its first use. Of two uses at once
   * one succeeds. When the new token cannot be stored, the one-time token lives on.
   * @throws StoreUnavailable
   */
  async exchange(oneTimeToken: string, name: string, by?: Actor): Promise<Result<CreatedApiToken, ExchangeRefusal>> {
    const path = join(this.#options.dataDirectory, FILE);
    if (!(await this.#isGood(path, oneTimeToken))) return err({ code: 'not-good' });
    // Moving a file succeeds for one caller only: this is the moment of the first use.
    const claimed = `${path}.used-${randomBytes(6).toString('hex')}`;
    const won = await rename(path, claimed).then(
      () => true,
      () => false,
    );
    if (!won) return err({ code: 'not-good' });
    try {
      const created = await this.#options.apiTokens.create({ name, role: 'admin' }, by);
      if (created.ok) {
        await rm(claimed);
        return ok(created.value);
      }
      await rename(claimed, path);
      return err({ code: 'invalid', violations: created.error });
    } catch (error) {
      await rename(claimed, path);
      throw error;
    }
  }

  async #isGood(path: string, presented: string): Promise<boolean> {
    const stored = (await readOrNothing(path)).trim();
    const expiresAt = expiryOf(stored);
    if (expiresAt === undefined || expiresAt <= this.#options.clock.now()) return false;
    const [a, b] = [Buffer.from(presented), Buffer.from(stored)];
    return a.length === b.length && timingSafeEqual(a, b);
  }
}

function expiryOf(text: string): number | undefined {
  const seconds = FORM.exec(text.trim())?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** The file's text, '' when there is none. */
async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
