/** Proxyless gRPC clients that call without a pause. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, credentials } from '@grpc/grpc-js';
import { METHOD } from './grpc-resources.js';

/** What came back so far, oldest first. */
export class Calls {
  readonly answers: string[] = [];
  readonly failures: string[] = [];

  note(answer: string | undefined, failure: string | undefined): void {
    if (answer === undefined) this.failures.push(failure ?? 'no answer');
    else this.answers.push(answer);
  }

  /** The newest answers; fewer when there are not as many. */
  last(count: number): readonly string[] {
    return this.answers.slice(-count);
  }
}

export interface Caller {
  readonly calls: Calls;
  stop(): Promise<void>;
}

/** @param bootstrap of gRPC's xDS client, JSON */
export type StartCaller = (target: string, bootstrap: string) => Promise<Caller>;

const same = (bytes: Buffer): Buffer => bytes;
const DEADLINE_MS = 60_000;
const PAUSE_MS = 5;

/** `@grpc/grpc-js` with `@grpc/grpc-js-xds`, in this process: it takes the first bootstrap of the process only. */
export const startNodeCaller: StartCaller = async (target, bootstrap) => {
  process.env['GRPC_XDS_BOOTSTRAP_CONFIG'] = bootstrap;
  const { register } = await import('@grpc/grpc-js-xds');
  register();
  const client = new Client(target, credentials.createInsecure());
  const calls = new Calls();
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const deadline = Date.now() + DEADLINE_MS;
      client.makeUnaryRequest(METHOD, same, same, Buffer.alloc(0), { deadline }, (error, reply) => {
        calls.note(error ? undefined : String(reply), error?.message);
        resolve();
      });
    });
  let running = true;
  const loop = (async () => {
    while (running) {
      await one();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  return {
    calls,
    async stop() {
      running = false;
      await loop;
      client.close();
    },
  };
};

/** The Python client, and where its packages are; or why there is none. */
export type PythonGrpc = { readonly packages: string } | { readonly missing: string };

const GRPCIO = '1.85.1';

const PYTHON_CALLER = `
import sys, threading, time, grpc
channel = grpc.insecure_channel(sys.argv[1])
call = channel.unary_unary('${METHOD}')
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
while not stop.is_set():
    try:
        print('ok', call(b'', timeout=${DEADLINE_MS / 1000}).decode(), flush=True)
    except grpc.RpcError as error:
        print('failed', error.code().name, error.details().replace('\\n', ' '), flush=True)
    time.sleep(${PAUSE_MS / 1000})
channel.close()
`;

/** Finds Python's grpcio where an earlier run put it, or fetches it by pip into a folder for all later ones. */
export async function findPythonGrpc(): Promise<PythonGrpc> {
  const version = await run('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  if (version.code !== 0) return { missing: `there is no python3 (${version.text})` };
  const cache = join(tmpdir(), 'heddle-test-cache');
  const packages = join(cache, `grpcio-${GRPCIO}-python-${version.text}`);
  if (await exists(packages)) return { packages };
  await mkdir(cache, { recursive: true });
  const fetched = await mkdtemp(join(cache, '.fetch-'));
  const flags = ['--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--quiet'];
  const pip = await run('python3', ['-m', 'pip', 'install', ...flags, '--target', fetched, `grpcio==${GRPCIO}`]);
  // Of two that fetch at once one is later: its own copy is as good, and goes.
  if (pip.code === 0) await rename(fetched, packages).catch(() => undefined);
  await rm(fetched, { recursive: true, force: true });
  return pip.code === 0 ? { packages } : { missing: `pip could not fetch grpcio (${pip.text})` };
}

export const pythonCaller =
  (packages: string): StartCaller =>
  async (target, bootstrap) => {
    const env = { ...process.env, PYTHONPATH: packages, GRPC_XDS_BOOTSTRAP_CONFIG: bootstrap };
    const child = spawn('python3', ['-c', PYTHON_CALLER, target], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child, 'spawn');
    const calls = new Calls();
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ok ')) calls.note(line.slice(3), undefined);
      else calls.note(undefined, line);
    });
    return { calls, stop: () => ended(child) };
  };

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const end = once(child, 'exit');
  child.stdin?.end();
  await end;
}

async function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly text: string }> {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += String(part)));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: -1, text: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, text: text.trim().split('\n').at(-1) ?? '' }));
  });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
