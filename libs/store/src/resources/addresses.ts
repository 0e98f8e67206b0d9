import type { Sql } from '../database.js';
import type { Step } from './evaluate.js';

/** 0 is the network, 1 the outbound address of a sidecar itself, 65535 the broadcast address. */
export const FIRST_ADDRESS = 2;
export const LAST_ADDRESS = 65_534;

/** Kinds that callers dial, which therefore have a number. */
const ADDRESSED = new Set(['Service', 'ExternalService']);

/**
 * Picks `count` free numbers from `next` upwards, going round at the end, so that the number of a deleted service
 * rests for as long as possible: sidecars may still listen on it.
 * @returns the numbers, and where to go on next time
 */
export function pickNumbers(
  used: ReadonlySet<number>,
  next: number,
  count: number,
): { numbers: number[]; next: number } {
  const numbers: number[] = [];
  let candidate = next;
  for (let tried = FIRST_ADDRESS; numbers.length < count; tried += 1) {
    if (tried > LAST_ADDRESS) throw new Error(`a mesh holds at most ${LAST_ADDRESS - FIRST_ADDRESS + 1} services`);
    if (!used.has(candidate)) numbers.push(candidate);
    candidate = candidate >= LAST_ADDRESS ? FIRST_ADDRESS : candidate + 1;
  }
  return { numbers, next: candidate };
}

interface Target {
  readonly namespace: string;
  readonly name: string;
}

// A Service and an ExternalService of one name share the number, and it is free when the last of them has gone.
const RELEASE = `
DELETE FROM service_address a USING unnest($2::text[], $3::text[]) AS gone(namespace, name)
WHERE a.mesh = $1 AND a.namespace = gone.namespace AND a.name = gone.name
  AND NOT EXISTS (
    SELECT 1 FROM resource r
    WHERE r.mesh = $1 AND r.namespace = a.namespace AND r.name = a.name
      AND r.kind IN ('Service', 'ExternalService') AND NOT r.uid = ANY($4::text[]))`;

const CURSOR = `
INSERT INTO service_address_cursor (mesh, next) VALUES ($1, ${FIRST_ADDRESS})
ON CONFLICT (mesh) DO UPDATE SET next = service_address_cursor.next RETURNING next`;

async function allocate(sql: Sql, mesh: string, targets: readonly Target[]): Promise<void> {
  const [cursor] = await sql.query<{ next: number }>(CURSOR, [mesh]); // its row lock makes allocations of a mesh take turns
  const rows = await sql.query<Target & { number: number }>(
    'SELECT namespace, name, number FROM service_address WHERE mesh = $1',
    [mesh],
  );
  const held = new Set(rows.map((row) => `${row.namespace}/${row.name}`));
  const wanted = targets.filter((target) => !held.has(`${target.namespace}/${target.name}`));
  const picked = pickNumbers(new Set(rows.map((row) => row.number)), cursor?.next ?? FIRST_ADDRESS, wanted.length);
  await sql.query(
    `INSERT INTO service_address (mesh, namespace, name, number)
     SELECT $1, t.namespace, t.name, t.number FROM unnest($2::text[], $3::text[], $4::int[]) AS t(namespace, name, number)`,
    [mesh, wanted.map((t) => t.namespace), wanted.map((t) => t.name), picked.numbers],
  );
  await sql.query('UPDATE service_address_cursor SET next = $2 WHERE mesh = $1', [mesh, picked.next]);
}

/** Gives numbers to services that are new and takes those of services that go, within the transaction of the change. */
export async function updateAddresses(sql: Sql, mesh: string, changes: readonly Step[]): Promise<void> {
  const services = changes.filter((step) => ADDRESSED.has(step.kind));
  const gone = services.filter((step) => step.op === 'deleted');
  const fresh = services.filter((step) => step.op === 'created');
  const unique = [...new Map(fresh.map((step) => [`${step.namespace}/${step.name}`, step])).values()];
  if (unique.length > 0) await allocate(sql, mesh, unique);
  const leaving = gone.filter((step) => !fresh.some((f) => f.namespace === step.namespace && f.name === step.name));
  await releaseAddresses(sql, mesh, leaving);
}

/** Takes the numbers of services that go, or that never came. @param leaving with the uid of those that still have a row */
export async function releaseAddresses(
  sql: Sql,
  mesh: string,
  leaving: readonly (Target & { readonly uid?: string })[],
): Promise<void> {
  if (leaving.length === 0) return;
  await sql.query(RELEASE, [
    mesh,
    leaving.map((s) => s.namespace),
    leaving.map((s) => s.name),
    leaving.map((s) => s.uid ?? ''),
  ]);
}
