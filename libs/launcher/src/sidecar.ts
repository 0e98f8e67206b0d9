import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EnvoyAdmin } from './envoy-admin.js';
import { LauncherError } from './launcher-error.js';
import { endWithParent } from './process-guard.js';
import { LineTail, lastLinesOf, withoutPrefix } from './sidecar-log.js';
import type { SocketAddress } from './socket-address.js';

export interface SidecarOptions {
  /** Path of the executable: `findEnvoy()`. */
  readonly envoy: string;
  /** Path of the bootstrap: `writeSidecarFiles()`. */
  readonly bootstrap: string;
  /** Must be what the bootstrap says. */
  readonly admin: SocketAddress;
  /** The node id, or anything else that no other sidecar of this host has: `--base-id` is derived from it. */
  readonly id: string;
  /** Default `warning`. */
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'critical' | 'off';
  /** What Envoy prints is appended to this file; without it each line goes to `onLine`. */
  readonly logFile?: string;
  readonly onLine?: (line: string) => void;
  /** Further command line arguments. */
  readonly args?: readonly string[];
}

export interface SidecarExit {
  /** `undefined` when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** True after `stop()` or `kill()`. */
  readonly expected: boolean;
  /** One line: how it ended and, when that was not asked for, the last error that Envoy printed. */
  readonly reason: string;
  /** The newest lines of its log, oldest first. */
  readonly lastLines: readonly string[];
}

/** Seconds that a replaced listener keeps its connections. It has no part in leaving: SIGTERM ends Envoy at once. */
const DRAIN_TIME_S = 30;
/** Generous: on a busy machine with many starting at once, Envoy was seen to take tens of seconds. */
const START_TIMEOUT_MS = 90_000;
const BASE_ID_ATTEMPTS = 5;
const BASE_ID_CLASH = /unable to bind domain socket with base_id/;
/** Requests and TCP connections that the inbound listeners are serving. */
const INBOUND_ACTIVE = '^(http\\.inbound.*\\.downstream_rq_active|tcp\\.inbound.*\\.downstream_cx_active)$';

/** One stock Envoy process beside one workload. It ends with its parent: see `endWithParent`. */
export class Sidecar {
  readonly id: string;
  readonly pid: number;
  readonly admin: EnvoyAdmin;
  /** Settles, and never rejects, when the process has ended for whatever reason. */
  readonly exited: Promise<SidecarExit>;
  readonly #child: ChildProcess;
  readonly #tail: () => readonly string[];
  #exit: SidecarExit | undefined;
  #expected = false;

  private constructor(options: SidecarOptions, child: ChildProcess, tail: () => readonly string[]) {
    this.id = options.id;
    this.pid = child.pid ?? -1;
    this.admin = new EnvoyAdmin(options.admin);
    this.#child = child;
    this.#tail = tail;
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
        const lastLines = tail();
        const reason = this.#expected ? 'stopped' : describeExit(code, signal, lastLines);
        this.#exit = {
          code: code ?? undefined,
          signal: signal ?? undefined,
          expected: this.#expected,
          reason,
          lastLines,
        };
        resolve(this.#exit);
      };
      // `close` comes after the last line was read; a process that never started has no `exit`.
      child.once('close', ended);
    });
  }

  /**
   * Starts Envoy and waits until its admin interface answers: by then the bootstrap is accepted and the ports of the
   * process are bound. Whether it is configured is another question: `ready()`.
   * @throws LauncherError with Envoy's own words when it ends at once (bad bootstrap, admin port in use).
   */
  static async start(options: SidecarOptions): Promise<Sidecar> {
    for (let attempt = 0; ; attempt++) {
      const sidecar = await Sidecar.#spawn(options, attempt);
      if (await sidecar.#answers(baseId(options.id, attempt))) return sidecar;
      const silent = sidecar.#exit === undefined;
      if (silent) await sidecar.kill();
      const { reason: ended, lastLines } = await sidecar.exited;
      const reason = silent ? `no answer on its admin port within ${START_TIMEOUT_MS / 1000} s` : ended;
      const clash = lastLines.some((line) => BASE_ID_CLASH.test(line));
      if (!clash || attempt + 1 === BASE_ID_ATTEMPTS)
        throw new LauncherError(`Envoy of ${options.id} did not start: ${reason}`);
    }
  }

  static async #spawn(options: SidecarOptions, attempt: number): Promise<Sidecar> {
    const { logFile } = options;
    const log = logFile === undefined ? undefined : openSync(logFile, 'a', 0o644);
    const output = log ?? 'pipe';
    // In a process group of its own: Ctrl-C goes to the whole group, and Envoy must not end before it has left well.
    const child = spawn(options.envoy, argumentsOf(options, attempt), {
      stdio: ['ignore', output, output],
      detached: true,
    });
    if (log !== undefined) closeSync(log);
    const started = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const lines = new LineTail(options.onLine);
    if (child.stdout) lines.follow(child.stdout);
    if (child.stderr) lines.follow(child.stderr);
    await started.catch((error: Error) => {
      throw new LauncherError(`cannot run ${options.envoy}: ${error.message}`, { cause: error });
    });
    endWithParent(child);
    return new Sidecar(options, child, () => (logFile === undefined ? lines.last() : lastLinesOf(logFile)));
  }

  /** How it ended, `undefined` while it runs. */
  get exit(): SidecarExit | undefined {
    return this.#exit;
  }

  /** The newest lines of its log so far, oldest first; at most 50. */
  lastLines(): readonly string[] {
    return this.#tail();
  }

  /**
   * Waits until Envoy has its first configuration and listens.
   * @returns false when `timeoutMs` (default 15000) have passed. @throws LauncherError when Envoy ends meanwhile.
   */
  async ready(timeoutMs = 15_000): Promise<boolean> {
    return this.#poll(timeoutMs, 25, () => this.admin.isLive());
  }

  /** Counters and gauges whose name matches a regular expression. */
  stats(filter: string): Promise<ReadonlyMap<string, number>> {
    return this.admin.stats(filter);
  }

  /**
   * Waits until the inbound listeners serve no request any more (contracts: leaving well). Call it after every caller
   * has ACKed the removal of this endpoint, else new requests keep coming.
   * @returns false when `graceMs` (default 30000) have passed with requests still running.
   */
  drained(graceMs = 30_000): Promise<boolean> {
    return this.#poll(graceMs, 50, async () => {
      const active = await this.stats(INBOUND_ACTIVE);
      return [...active.values()].every((count) => count === 0);
    });
  }

  /** SIGTERM, and SIGKILL when it has not ended after `graceMs` (default 10000). Envoy cuts what still runs. */
  stop(graceMs = 10_000): Promise<SidecarExit> {
    this.#expected = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    return this.exited.finally(() => clearTimeout(timer));
  }

  /** SIGKILL: what a crash looks like to others. */
  kill(): Promise<SidecarExit> {
    this.#expected = true;
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  /** Asks for the base id, since another Envoy may be listening on the admin port that this one wants. */
  async #answers(expected: number): Promise<boolean> {
    try {
      return await this.#poll(START_TIMEOUT_MS, 20, async () => {
        const { base_id } = (JSON.parse(await this.admin.get('/server_info')) as ServerInfo).command_line_options;
        return Number(base_id) === expected;
      });
    } catch {
      return false; // The caller reads why from `exited`.
    }
  }

  /** Repeats until true; an Envoy that does not answer counts as false, one that has ended is an error. */
  async #poll(timeoutMs: number, everyMs: number, test: () => Promise<boolean>): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.#exit) throw new LauncherError(`Envoy of ${this.id} ended: ${this.#exit.reason}`);
      if (await test().catch(() => false)) return true;
      if (performance.now() >= deadline) return false;
      await sleep(everyMs);
    }
  }
}

interface ServerInfo {
  readonly command_line_options: { readonly base_id: string };
}

function argumentsOf(options: SidecarOptions, attempt: number): string[] {
  const flags: readonly (readonly [flag: string, value: string | number])[] = [
    ['-c', options.bootstrap],
    ['--base-id', baseId(options.id, attempt)],
    ['--concurrency', 1],
    ['--drain-time-s', DRAIN_TIME_S],
    ['--log-level', options.logLevel ?? 'warning'],
  ];
  return [...flags.flat().map(String), ...(options.args ?? [])];
}

/**
 * A number for Envoy's shared memory and domain socket, which two Envoys of one host must not share. Derived from the
 * id, so that a restart has the same; another attempt, after a clash, gives another. Envoy multiplies it by ten and
 * keeps it in 32 bits.
 */
export function baseId(id: string, attempt = 0): number {
  const digest = createHash('sha256').update(`${id}#${attempt}`).digest();
  return 1 + (digest.readUInt32BE(0) % 400_000_000);
}

function describeExit(code: number | null, signal: NodeJS.Signals | null, lines: readonly string[]): string {
  const how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  const complaint = lines.findLast((line) => /\[(critical|error)\]/.test(line)) ?? lines.at(-1);
  const message = complaint === undefined ? '' : withoutPrefix(complaint);
  return message ? `${how}: ${message}` : how;
}
