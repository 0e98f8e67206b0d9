import { setTimeout as wait } from 'node:timers/promises';
import { createAuthority, privateKeyOf, readAuthority } from '../src/x509-authority.js';
import { issueLeaf } from '../src/x509-leaf.js';

const BATCHES = 5;
const LEAVES = 500;
const DAY_MS = 86_400_000;

/** Microseconds of CPU for a leaf certificate of a proxy, a key and a signature: of one thread, by batches. */
export async function cpuOfLeaves(): Promise<readonly number[]> {
  const notBefore = Date.now() - DAY_MS;
  const notAfter = Date.now() + 300 * DAY_MS;
  const root = await createAuthority({ commonName: 'bench', pathLength: 0, notBefore, notAfter });
  const issuer = { ...readAuthority(root.certificatePem), privateKey: privateKeyOf(root.pkcs8.expose()) };
  const costs: number[] = [];
  for (let batch = 0; batch <= BATCHES; batch += 1) {
    const before = process.threadCpuUsage();
    for (let leaf = 0; leaf < LEAVES; leaf += 1) {
      const value = `spiffe://bench.heddle.local/default/shop/workload-${leaf}`;
      issueLeaf({ issuer, names: [{ type: 'uri', value }], notBefore, notAfter: Date.now() + DAY_MS, use: 'workload' });
    }
    const { user, system } = process.threadCpuUsage(before);
    // The first batch fills what a process has once.
    if (batch > 0) costs.push((user + system) / LEAVES);
    await wait(0);
  }
  return costs;
}
