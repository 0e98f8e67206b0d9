import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findEnvoy, freePort } from '#libs/launcher';
import { ControlPlane } from './control-plane.js';
import { meshAccess } from './mesh-sidecar.js';
import { DemoFailure, during, heading, tell, until } from './narrator.js';
import { Replica, type ReplicaContext } from './replica.js';
import { applyFile, replica, type Shop } from './shop-mesh.js';
import { slowness } from './slowness.js';
import { canary } from './steps/canary.js';
import { confirm } from './steps/confirm.js';
import { discovery } from './steps/discovery.js';
import { failures } from './steps/failures.js';
import { history } from './steps/history.js';
import { plan } from './steps/plan.js';
import { refusal } from './steps/refusal.js';
import { replicas as replicaSteps } from './steps/replicas.js';
import { restart } from './steps/restart.js';
import { rules } from './steps/rules.js';
import { shift } from './steps/shift.js';
import { OUTBOUND_HTTP_PORT, outboundAddress, REPLICAS, type ReplicaPlan, THIRD_CATALOG } from './topology.js';

const STEPS = {
  discovery,
  replicas: replicaSteps,
  shift,
  rules,
  refusal,
  restart,
  plan,
  canary,
  confirm,
  history,
  failures,
};
const HELP = `npm run demo             shows the mesh step by step, then stays up until Ctrl-C
npm run demo -- --once   runs to the end and exits; exit code 1 at the first step that does not hold, 130 when interrupted
  --step NAME            only this step, may be given again: ${Object.keys(STEPS).join(', ')}
  --keep                 keep the logs and files of the run`;

/** Exit code when a signal came before every step had held. */
const INTERRUPTED = 130;

interface Running {
  readonly shop: Shop;
  readonly dir: string;
}

async function start(dir: string): Promise<Running> {
  const factor = slowness();
  if (factor > 1.5)
    tell(`this machine is about ${factor.toFixed(1)} times slower than a usual one: time limits grow with it`);
  const envoy = await during('an Envoy', () => findEnvoy({ version: '1.40.0', onProgress: tell }));
  tell(`Envoy ${envoy.version}, ${envoy.source}: ${envoy.path}`);
  const ports = { rest: await freePort(), xds: await freePort() };
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const controlPlane = new ControlPlane(dataDir, ports, join(import.meta.dirname, '../../control-plane/src/main.js'));
  const replicas = new Map<string, Replica>();
  const shop: Shop = {
    controlPlane,
    replicas,
    manifestDir: join(import.meta.dirname, '../../../../apps/demo/manifests'),
    startReplica: (name) => startReplica(name),
    get slowness() {
      return slowness();
    },
  };
  running = { shop, dir };
  await during('the control plane, with a Postgres of its own', () => controlPlane.start());
  await controlPlane.login();
  await applyFile(shop, 'shop.yaml', 'the shop');
  const context = await replicaContext(shop, { dir, envoy: envoy.path });
  const startReplica = async (name: string): Promise<Replica> => {
    const plan = [...REPLICAS, THIRD_CATALOG].find((one) => one.name === name);
    if (!plan) throw new DemoFailure(`no replica is planned with the name ${name}`);
    const one = new Replica(plan, context);
    replicas.set(name, one);
    await one.start();
    return one;
  };
  await during(`${REPLICAS.length} replicas, each beside its own Envoy`, async () => {
    // The first one answers what address the others use for payments over gRPC.
    const [first, ...others] = REPLICAS;
    await startReplica(first?.name ?? '');
    await Promise.all(others.map((plan) => startReplica(plan.name)));
  });
  return running;
}

async function replicaContext(
  shop: Shop,
  run: { readonly dir: string; readonly envoy: string },
): Promise<ReplicaContext> {
  const grpcTarget = async (plan: ReplicaPlan): Promise<string> => {
    // The number of a service is the same at every sidecar, within the /16 of its own outbound address.
    const address = await until('web-1 listens for payments over gRPC', 60_000 * shop.slowness, () =>
      replica(shop, 'web-1').sidecar.listenerAddress('outbound/shop/payments/9090'),
    );
    const [, , high, low] = address.split(/[.:]/);
    return `${outboundAddress(plan).split('.').slice(0, 2).join('.')}.${high}.${low}:9090`;
  };
  return {
    ...(await meshAccess(shop.controlPlane, run)),
    shopEntry: join(import.meta.dirname, 'shop/main.js'),
    grpcTarget,
  };
}

let running: Running | undefined;

async function stopAll(keep: boolean): Promise<void> {
  if (!running) return;
  const { shop, dir } = running;
  running = undefined;
  await Promise.all([...shop.replicas.values()].map((one) => one.stop()));
  await shop.controlPlane.stop();
  if (keep) tell(`logs and files: ${dir}`);
  else rmSync(dir, { recursive: true, force: true });
}

function invitation({ shop, dir }: Running): string {
  const web = outboundAddress(replica(shop, 'web-1').plan);
  return [
    '',
    'The mesh stays up. Try, in another terminal:',
    `  export HEDDLE_SERVER=${shop.controlPlane.url} HEDDLE_TOKEN=${shop.controlPlane.token} HEDDLE_NAMESPACE=shop`,
    '  npx heddle status',
    '  npx heddle get services',
    '  npx heddle history',
    '  npx heddle patterns           # what failures have in common',
    '  npx heddle dashboard          # the same in a browser, logged in',
    `  curl -s -x http://${web}:${OUTBOUND_HTTP_PORT} http://orders/v1/1`,
    `Dashboard: ${shop.controlPlane.url}/    REST API: ${shop.controlPlane.url}/api/docs    logs: ${dir}`,
    'Ctrl-C ends everything.',
  ].join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean' },
      step: { type: 'string', multiple: true },
      keep: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const dir = mkdtempSync(join(tmpdir(), 'heddle-demo-'));
  // Postgres does not run as root: started by root, it runs as another user, who must be able to enter.
  chmodSync(dir, 0o711);
  const shown = (async () => {
    const { shop } = await start(dir);
    for (const [name, step] of Object.entries(STEPS)) if (values.step?.includes(name) ?? true) await step(shop);
    heading('Everything held.');
  })();
  try {
    const ended = await Promise.race([
      shown.then(() => 'shown' as const),
      interrupted.then(() => 'interrupted' as const),
    ]);
    if (ended === 'shown' && !values.once && running) {
      process.stdout.write(`${invitation(running)}\n`);
      await interrupted;
    }
    shown.catch(() => {});
    await stopAll(values.keep === true);
    return ended === 'shown' ? 0 : INTERRUPTED;
  } catch (error) {
    process.stdout.write(
      `\nFAILED  ${error instanceof DemoFailure ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
    );
    await stopAll(true);
    return 1;
  }
}

// Loads and waiting loops of a step that failed or was interrupted still run: nothing but an exit ends them.
process.exit(await main());
