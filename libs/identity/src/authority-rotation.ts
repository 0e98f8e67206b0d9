import { type Clock, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import type { Authorities } from '#libs/store';
import { AuthorityVault } from './authority-vault.js';
import type { CertificateAuthority } from './certificate-authority.js';
import type { Kek } from './kek.js';
import { draftIntermediate, draftRoot } from './mesh-authority.js';
import { nextStep, RETIRED_FOR_MS, type RotationState, type RotationStep } from './rotation-plan.js';
import { readAuthority } from './x509-authority.js';

export interface AuthorityRotationOptions {
  readonly authorities: Authorities;
  readonly authority: CertificateAuthority;
  readonly kek: Kek;
  readonly clock: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

export type RotatedPurpose = RotationState['purpose'];

const LOOK_EVERY_MS = 60_000;

/** More than all steps that can be due at once. */
const MOST_STEPS = 10;

/**
 * Replaces the roots and issuers of meshes in good time: prepared, so that everybody trusts and knows the next one; then
 * active; the old one is retired, and deleted when nothing that it signed can be alive. Every replica looks every
 * minute. Steps are fenced by what they change, so that replicas may do so together, and one that was stalled does no
 * harm (REL-48).
 */
export class AuthorityRotation {
  readonly #options: AuthorityRotationOptions;
  readonly #vault: AuthorityVault;
  readonly #log: Log;
  readonly #metrics: Metrics;
  #stopTimer: (() => void) | undefined;

  constructor(options: AuthorityRotationOptions) {
    this.#options = options;
    this.#vault = new AuthorityVault(options.authorities, options.kek);
    this.#log = options.log ?? silentLog;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  start(): void {
    this.#stopTimer ??= this.#options.clock.every(LOOK_EVERY_MS, () => {
      for (const mesh of this.#options.authority.meshes()) {
        this.run(mesh).catch((error: unknown) => this.#failed(mesh, error));
      }
    });
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /**
   * Takes the steps that are due. @returns them, in order
   * @throws StoreUnavailable while Postgres is away; steps taken before stay taken
   */
  async run(mesh: string): Promise<readonly RotationStep[]> {
    const taken: RotationStep[] = [];
    for (let tries = 0; tries < MOST_STEPS; tries++) {
      const { states, now } = await this.#states(mesh);
      const step = nextStep(states, now);
      if (!step) break;
      // Refused: another replica was faster. What is due now, the rows say.
      if (await this.#take(mesh, step, now)) taken.push(step);
    }
    // This replica hears of its own steps at once, the others within ten seconds.
    if (taken.length > 0) await this.#options.authority.refresh();
    return taken;
  }

  /**
   * Prepares the successor now, whatever the age of the present one, as after a leak of its key; {@link run} does the
   * rest when its time has come.
   * @returns false when one is prepared already
   */
  async begin(mesh: string, purpose: RotatedPurpose): Promise<boolean> {
    const { states, now } = await this.#states(mesh);
    const active = states.find((state) => state.purpose === purpose && state.stage === 'active');
    if (!active) throw new Error(`mesh ${mesh} has no active ${purpose}`);
    const begun = await this.#take(mesh, { kind: 'prepare', purpose, activeId: active.id }, now);
    if (begun) await this.#options.authority.refresh();
    return begun;
  }

  async #take(mesh: string, step: RotationStep, now: number): Promise<boolean> {
    const done = await this.#write(mesh, step, now);
    if (!done) return false;
    this.#metrics.count('heddle_authority_rotation_steps_total', { purpose: step.purpose, step: step.kind });
    this.#log.info('a certificate authority is being rotated', { mesh, ...step });
    return true;
  }

  #write(mesh: string, step: RotationStep, now: number): Promise<boolean> {
    const { authorities } = this.#options;
    if (step.kind === 'activate') return authorities.activate(step);
    if (step.kind === 'forget') return authorities.forget(step.id, RETIRED_FOR_MS);
    return this.#vault.prepare(mesh, step.purpose, step.activeId, async () => {
      if (step.purpose === 'root') return draftRoot(`Heddle root of mesh ${mesh}`, now, 1);
      const root = (await this.#vault.list(mesh)).find((row) => row.purpose === 'root' && row.active);
      if (!root) throw new Error(`mesh ${mesh} has no active root`);
      return draftIntermediate(mesh, { row: root, vault: this.#vault }, now);
    });
  }

  async #states(mesh: string): Promise<{ readonly states: readonly RotationState[]; readonly now: number }> {
    await this.#options.authority.of(mesh);
    const [rows, { stages, now }] = [await this.#vault.list(mesh), await this.#options.authorities.stages(mesh)];
    const certificates = new Map(rows.map((row) => [row.id, readAuthority(row.certificatePem)]));
    const rootOf = (keyId: string): string | undefined =>
      rows.find((row) => row.purpose === 'root' && hex(certificates.get(row.id)?.keyId) === keyId)?.id;
    const states = stages.flatMap((stage): RotationState[] => {
      const certificate = certificates.get(stage.id);
      // A row that came between the two reads is looked at in the next round.
      if (!certificate || !isRotated(stage.purpose)) return [];
      const { notBefore, notAfter, issuerKeyId } = certificate;
      return [{ ...stage, purpose: stage.purpose, notBefore, notAfter, signedBy: rootOf(hex(issuerKeyId)) }];
    });
    return { states, now };
  }

  #failed(mesh: string, error: unknown): void {
    this.#metrics.count('heddle_identity_refresh_failures_total', { what: 'rotation' });
    this.#log.warn('the rotation of a certificate authority failed and will be tried again', {
      mesh,
      error: String(error),
    });
  }
}

const isRotated = (purpose: string): purpose is RotatedPurpose => purpose === 'root' || purpose === 'intermediate';
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
