// Prepares a checkout so that a command can run: dependencies, Node 24, build, Envoy. No dependency, runs on Node 20:
// this is what stands between `git clone` and the first command.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const MINIMUM_NODE = [24, 15];
const SOURCES = ['apps', 'libs', 'proto', 'test', 'package.json', 'tsconfig.json', 'buf.yaml'];
/** Generated or not compiled: a change there asks for no build. */
const NOT_SOURCES = new Set(['node_modules', 'dist', 'gen', 'generated', 'services', 'testdata', 'manifests']);
const BUILT = join(root, 'dist', '.built');

/** What went wrong, in one line that says what to do. */
export class SetupError extends Error {}

/**
 * Makes the checkout ready and returns the path of a Node that can run it. Does nothing, and prints nothing, when all is
 * there already.
 * @param {{envoy?: boolean, chromium?: boolean, prometheus?: boolean}} [options] envoy: also make the default Envoy
 * available; chromium, prometheus: also a browser and a Prometheus for tests, where these can be had.
 * @returns {Promise<string>}
 */
export async function ensureReady(options = {}) {
  if (dependenciesAreStale()) await step('installing dependencies (npm ci)', 'npm', ['ci'], withoutOwnBinaries());
  const node = node24();
  if (buildIsStale()) {
    await step('building (npm run build)', 'npm', ['run', '--silent', 'build']);
    writeFileSync(BUILT, '');
  }
  if (options.envoy) await ensureEnvoy(node);
  if (options.chromium) await ensureChromium();
  if (options.prometheus) await ensurePrometheus();
  return node;
}

/**
 * Runs a script of the checkout with the terminal of this process, passes on the signals that this process gets, and
 * ends as the script ends.
 * @param {string} node path of Node
 * @param {readonly string[]} args script and arguments
 * @returns {Promise<never>}
 */
export async function runAndExit(node, args) {
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // Ctrl-C reaches the script from the terminal itself, since both are in its foreground group; passing it on as well
  // would make one Ctrl-C look like two.
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !atTerminal) child.kill(signal);
    });
  }
  const { code, signal } = await ended;
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(code ?? 1);
}

/** Runs `main`, and prints a SetupError as the one line that it is. */
export async function start(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`heddle: ${error.message}\n`);
    process.exit(1);
  }
}

function dependenciesAreStale() {
  const installed = modified(join(root, 'node_modules', '.package-lock.json'));
  return installed === 0 || installed < modified(join(root, 'package-lock.json'));
}

/** The Node of the dependencies; the running one where that platform has none but this one is new enough. */
function node24() {
  const installed = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(installed)) return installed;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  throw new SetupError(
    `Node ${MINIMUM_NODE.join('.')} or later is needed, this is ${process.versions.node} and npm has none for ${platform}: install it`,
  );
}

/** `npm ci` deletes node_modules: it must not run on the Node in there. */
function withoutOwnBinaries() {
  const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.startsWith(join(root, 'node_modules')));
  return { ...process.env, PATH: path.join(':') };
}

/**
 * True when any source is newer than the last build. A folder's own time tells of files that were removed. The
 * compiler's .tsbuildinfo says nothing: a mere type check writes it too.
 */
function buildIsStale() {
  const built = Math.max(modified(BUILT), newestOutput(join(root, 'dist')));
  return built === 0 || SOURCES.some((name) => isNewer(join(root, name), built));
}

function newestOutput(folder) {
  if (!existsSync(folder)) return 0;
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    if (entry.isDirectory()) return newestOutput(join(folder, entry.name));
    return entry.name.endsWith('.js') ? modified(join(folder, entry.name)) : 0;
  });
  return Math.max(0, ...times);
}

function isNewer(path, than) {
  if (modified(path) > than) return true;
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  return readdirSync(path, { withFileTypes: true }).some((entry) => {
    if (NOT_SOURCES.has(entry.name)) return false;
    if (entry.isDirectory()) return isNewer(join(path, entry.name), than);
    return /\.(tsx?|css|html|proto|json)$/.test(entry.name) && modified(join(path, entry.name)) > than;
  });
}

/** Finds or fetches Envoy with the compiled launcher: one implementation for all. */
async function ensureEnvoy(node) {
  const program = `
    const { findEnvoy, LauncherError } = await import('./dist/libs/launcher/src/index.js');
    try {
      await findEnvoy({ onProgress: (line) => process.stderr.write('heddle: ' + line + '\\n') });
    } catch (error) {
      if (!(error instanceof LauncherError)) throw error;
      process.stderr.write('heddle: ' + error.message + '\\n');
      process.exitCode = 3;
    }`;
  const code = await run(node, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  if (code !== 0) throw new SetupError('there is no Envoy to test with, see above');
}

const CHROMIUM = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/**
 * Debian's package without windows, for who may install it. Without, the tests that need a browser say so: skipped for a person, failed
 * in CI.
 */
async function ensureChromium() {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin'];
  const isThere = folders.some((folder) => CHROMIUM.some((name) => existsSync(join(folder, name))));
  if (process.env.CHROMIUM_BIN || isThere) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  const install = 'apt-get install -q -y --no-install-recommends';
  // Not every release has the one without windows.
  const command = `apt-get update -q && { ${install} chromium-headless-shell || ${install} chromium; }`;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await step('installing Chromium for the tests of the dashboard (apt-get)', 'sh', ['-c', command], env).catch(
    (error) => process.stderr.write(`heddle: ${error.message}: the tests of the dashboard have no browser\n`),
  );
}

/** Where Debian's package is unpacked: installed, it would start a server. */
const PROMETHEUS = join(homedir(), '.cache', 'heddle', 'prometheus');
const UNPACK = `
set -e
rm -rf "$1.new" && mkdir -p "$1.new" && cd "$1.new"
apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }
dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb
rm -rf "$1" && mv "$1.new" "$1"`;

/** Without, the tests that need one say so: skipped for a person, failed in CI. */
async function ensurePrometheus() {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', join(PROMETHEUS, 'usr', 'bin')];
  const isThere = folders.some((folder) => ['prometheus', 'promtool'].every((name) => existsSync(join(folder, name))));
  if (process.env.PROMETHEUS_DIR || isThere || !existsSync('/usr/bin/apt-get')) return;
  const args = ['-c', UNPACK, 'unpack', PROMETHEUS];
  await step('fetching Prometheus for the tests of its configuration (apt-get download)', 'sh', args).catch((error) =>
    process.stderr.write(`heddle: ${error.message}: the tests of what Prometheus reads have none\n`),
  );
}

/** Runs a command that takes a while: says what runs and for how long, and shows its output only if it fails. */
async function step(what, command, args, env = process.env) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const live = process.stderr.isTTY && !process.env.CI;
  process.stderr.write(`heddle: ${what} ...${live ? '' : '\n'}`);
  const report = () =>
    process.stderr.write(live ? `\rheddle: ${what} ... ${seconds()} s` : `heddle: ${what} ... ${seconds()} s\n`);
  const timer = setInterval(report, live ? 1000 : 10_000);
  const output = [];
  const code = await run(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env }, output).finally(() =>
    clearInterval(timer),
  );
  process.stderr.write(`${live ? '\r' : ''}heddle: ${what}: ${code === 0 ? 'done' : 'failed'} after ${seconds()} s\n`);
  if (code === 0) return;
  process.stderr.write(Buffer.concat(output).toString());
  throw new SetupError(`'${command} ${args.join(' ')}' exited with code ${code}, its output is above`);
}

function run(command, args, options, output = []) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options });
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.once('error', (error) => reject(new SetupError(`cannot run ${command}: ${error.message}`)));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** Milliseconds since the epoch; 0 when there is no such file. */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
