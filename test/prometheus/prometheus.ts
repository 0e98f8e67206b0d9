/** A real Prometheus for tests. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { endWithParent, freePort } from '#libs/launcher';
import { until } from '../../apps/demo/src/narrator.js';

export const NO_PROMETHEUS =
  'there is no Prometheus to test with: install Debian\'s package "prometheus", or name the folder of prometheus and promtool by PROMETHEUS_DIR';

/** Where envoy/setup.mjs unpacks Debian's package: nothing of it is installed or started. */
const UNPACKED = join(homedir(), '.cache/heddle/prometheus/usr/bin');
/** A limit only ends what hangs. */
const PATIENCE_MS = 120_000;

/** A person without Prometheus may skip what needs one; CI may not. */
export const mayRun = (env: NodeJS.ProcessEnv = process.env): boolean => {
  if (findPrometheus(env) !== undefined || env['CI'] !== undefined) return true;
  process.stderr.write(`${NO_PROMETHEUS}; these tests are skipped\n`);
  return false;
};

/** Folder with `prometheus` and `promtool`; undefined when there is none. */
export function findPrometheus(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { PROMETHEUS_DIR = '', PATH = '' } = env;
  const folders = PROMETHEUS_DIR === '' ? [...PATH.split(delimiter), '/usr/bin', UNPACKED] : [PROMETHEUS_DIR];
  return folders.find((folder) => ['prometheus', 'promtool'].every((name) => existsSync(join(folder, name))));
}

function binary(name: 'prometheus' | 'promtool'): string {
  const folder = findPrometheus();
  if (folder === undefined) throw new Error(NO_PROMETHEUS);
  return join(folder, name);
}

/** What `promtool` says. @throws with its words when it finds a mistake */
export async function promtool(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(binary('promtool'), args);
  return stdout + stderr;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

export interface FiringAlert {
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export class Prometheus {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param config text of its configuration @param dir for its files; made when missing */
  static async start(config: string, dir: string): Promise<Prometheus> {
    mkdirSync(dir, { recursive: true });
    const file = join(dir, 'prometheus.yml');
    writeFileSync(file, config);
    const address = `127.0.0.1:${await freePort()}`;
    const flags = ['--config.file', file, '--storage.tsdb.path', join(dir, 'data'), '--web.listen-address', address];
    const child = spawn(binary('prometheus'), flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    endWithParent(child);
    const log = createWriteStream(join(dir, 'prometheus.log'));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const prometheus = new Prometheus(`http://${address}`, child);
    await until('Prometheus is ready', PATIENCE_MS, async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended with code ${child.exitCode}: ${log.path}`);
      return (await fetch(`${prometheus.url}/-/ready`)).ok;
    });
    return prometheus;
  }

  /** An instant vector. @throws with its words for an expression that it does not understand */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ readonly result: readonly Sample[] }>('query', { query: expression });
    return result;
  }

  /** The sum of a vector; undefined when it is empty. */
  async number(expression: string): Promise<number | undefined> {
    const samples = await this.query(expression);
    return samples.length === 0 ? undefined : samples.reduce((sum, { value }) => sum + Number(value[1]), 0);
  }

  async targets(): Promise<readonly Target[]> {
    return (await this.#get<{ readonly activeTargets: readonly Target[] }>('targets')).activeTargets;
  }

  async alerts(): Promise<readonly FiringAlert[]> {
    return (await this.#get<{ readonly alerts: readonly FiringAlert[] }>('alerts')).alerts;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
      ...(Object.keys(parameters).length === 0 ? { method: 'GET', body: null } : {}),
    });
    const answer = (await response.json()) as { readonly status: string; readonly error?: string; readonly data: T };
    if (answer.status !== 'success') throw new Error(`${parameters['query'] ?? path}: ${answer.error}`);
    return answer.data;
  }
}
