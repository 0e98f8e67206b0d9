import { type Clock, nodeId, systemClock } from '#libs/kernel';
import { type ControlPlaneClient, type InstanceRegistration } from './control-plane-client.js';
import { ControlPlaneError, ControlPlaneUnreachable } from './launcher-error.js';
import { errorText } from './run-command.js';
import { Sidecar, type SidecarExit, type SidecarOptions } from './sidecar.js';
import { type SidecarFiles, writeSidecarFiles, writeToken } from './sidecar-files.js';
import { TokenRenewal } from './token-renewal.js';

export interface RunProxyOptions {
  /** The sidecar's folder; made when missing. */
  readonly dir: string;
  readonly files: SidecarFiles;
  readonly registration: InstanceRegistration;
  /** Builds the client that acts with the sidecar's own token; it is asked for the newest one before each request. */
  readonly client: (token: () => string) => ControlPlaneClient;
  readonly envoy: string;
  readonly process?: Pick<SidecarOptions, 'logLevel' | 'logFile' | 'onLine' | 'args'>;
  /** Called with one line for people at each step. */
  readonly onEvent?: (line: string) => void;
  readonly clock?: Clock;
}

export interface LeaveLimits {
  /** Longest wait for the callers' ACKs; default 5, at most 30. */
  readonly ackSeconds?: number;
  /** Longest wait for running requests; default 30000. */
  readonly graceMs?: number;
}

/** How well a sidecar left. All true: no request failed because of it. */
export interface LeaveReport {
  /** The control plane took the instance out. */
  readonly deregistered: boolean;
  /** Every caller confirmed that. */
  readonly acked: boolean;
  /** No request was running when Envoy ended. */
  readonly drained: boolean;
}

export interface RunningProxy {
  readonly sidecar: Sidecar;
  readonly exited: Promise<SidecarExit>;
  /** Leaves well, once; further calls give the same answer. */
  leave(limits?: LeaveLimits): Promise<LeaveReport>;
}

const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 30_000;

/**
 * What `heddle proxy run` does: writes the sidecar's files, registers the instance, starts Envoy and keeps its token
 * fresh. A control plane that is away does not keep Envoy from starting (a machine may boot first); the registration is
 * then repeated until it succeeds.
 * @throws ControlPlaneError when the registration is refused, LauncherError when Envoy does not start.
 */
export async function runProxy(options: RunProxyOptions): Promise<RunningProxy> {
  const { files, clock = systemClock, onEvent = () => {} } = options;
  const written = await writeSidecarFiles(options.dir, files);
  const renewal: TokenRenewal = new TokenRenewal({
    clock,
    token: files.token,
    renew: () => client.renewToken(),
    store: (token) => writeToken(written.dir, token),
    onEvent,
  });
  const client = options.client(() => renewal.token);
  const membership = new Membership(options, client, clock);
  await membership.join();
  let sidecar: Sidecar;
  try {
    const id = nodeId(files.identity);
    sidecar = await Sidecar.start({
      ...options.process,
      envoy: options.envoy,
      bootstrap: written.bootstrap,
      admin: files.admin,
      id,
    });
  } catch (error) {
    await membership.leave(0);
    throw error;
  }
  onEvent(`Envoy runs (pid ${sidecar.pid}, admin http://${files.admin.address}:${files.admin.port})`);
  renewal.start();
  void sidecar.exited.then(() => {
    renewal.stop();
    membership.stop();
  });
  let leaving: Promise<LeaveReport> | undefined;
  return {
    sidecar,
    exited: sidecar.exited,
    leave: (limits) => (leaving ??= leaveWell({ sidecar, membership, onEvent }, limits)),
  };
}

/** Makes SIGTERM and SIGINT leave well; a second signal ends Envoy at once. Resolves when Envoy has ended. */
export async function runUntilSignal(proxy: RunningProxy, limits: LeaveLimits = {}): Promise<SidecarExit> {
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) void proxy.leave(limits);
    else void proxy.sidecar.stop(500);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    return await proxy.exited;
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}

interface Leaving {
  readonly sidecar: Sidecar;
  readonly membership: Membership;
  readonly onEvent: (line: string) => void;
}

/** The order that was measured to lose nothing: out of every caller's endpoints, their ACKs, running requests, Envoy. */
async function leaveWell({ sidecar, membership, onEvent }: Leaving, limits: LeaveLimits = {}): Promise<LeaveReport> {
  const { ackSeconds = 5, graceMs = 30_000 } = limits;
  onEvent('leaving: waiting until no caller uses this instance');
  const { deregistered, acked } = await membership.leave(ackSeconds);
  if (deregistered && !acked) onEvent(`not every caller has confirmed within ${ackSeconds} s`);
  const drained = await sidecar.drained(graceMs).catch(() => true); // An Envoy that has ended serves nothing.
  if (!drained) onEvent(`requests are still running after ${graceMs / 1000} s; they are cut`);
  await sidecar.stop();
  onEvent('left');
  return { deregistered, acked, drained };
}

/** The registration of one instance: repeated until it is there, taken back at the end. */
class Membership {
  readonly #options: RunProxyOptions;
  readonly #client: ControlPlaneClient;
  readonly #clock: Clock;
  #cancelRetry: () => void = () => {};
  #stopped = false;

  constructor(options: RunProxyOptions, client: ControlPlaneClient, clock: Clock) {
    this.#options = options;
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws ControlPlaneError when the control plane refuses; its absence is no error. */
  async join(pauseMs = RETRY_FIRST_MS): Promise<void> {
    const { onEvent = () => {}, files } = this.#options;
    const { mesh, namespace, instance } = files.identity;
    try {
      await this.#client.registerInstance(mesh, namespace, instance, this.#options.registration);
      onEvent(`registered ${nodeId(files.identity)}`);
    } catch (error) {
      if (!isTemporary(error)) throw error;
      onEvent(`not registered yet, trying again in ${pauseMs / 1000} s: ${errorText(error)}`);
      this.#retry(pauseMs);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
  }

  async leave(ackSeconds: number): Promise<{ deregistered: boolean; acked: boolean }> {
    this.stop();
    const { onEvent = () => {}, files } = this.#options;
    const { mesh, namespace, instance } = files.identity;
    try {
      return { deregistered: true, acked: await this.#client.deregister(mesh, namespace, instance, ackSeconds) };
    } catch (error) {
      onEvent(`not deregistered, callers will notice by themselves: ${errorText(error)}`);
      return { deregistered: false, acked: false };
    }
  }

  #retry(pauseMs: number): void {
    if (this.#stopped) return;
    this.#cancelRetry = this.#clock.after(pauseMs, () => {
      const { onEvent = () => {} } = this.#options;
      this.join(Math.min(pauseMs * 2, RETRY_LAST_MS)).catch((error: unknown) =>
        onEvent(`not registered: ${errorText(error)}`),
      );
    });
  }
}

const isTemporary = (error: unknown): boolean =>
  error instanceof ControlPlaneUnreachable || (error instanceof ControlPlaneError && error.temporary);
