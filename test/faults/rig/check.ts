import { openStore } from '#libs/store';
import { checkHistory, checkSecrecy, type StoredHistory } from '../../../libs/testing/src/faults/index.js';
import type { Member } from './member.js';
import { contents, Observer } from './observer.js';
import type { Rig } from './rig.js';
import { until } from './until.js';

/** Replicas at one revision have one content within this time of healing (I4). Generous, since machines are shared. */
const SAME_WITHIN_MS = 30_000;
/** Every connected proxy has the newest content within this time (I5). The promise is 10 s on a machine that is not shared. */
const ACKED_WITHIN_MS = 60_000;
/** A replica that needs more has lost its bounds (I10): one of this size takes some 200. */
const RESIDENT_MB = 700;

interface ProxyView {
  readonly instance: string;
  readonly types: readonly { readonly type: string; readonly state: string }[];
}

/** The invariants I1 to I11, checked after every fault once it has healed. I12 is `signals.ts`. */
export class Invariants {
  #observer: Observer | undefined;
  /** Clusters that each Envoy had taken away when it was last looked at, by process: a restart begins at 0. */
  readonly #removed = new Map<string, number>();

  constructor(private readonly rig: Rig) {}

  /** Heals what a test may have left at fault, and checks. @throws Error with one line for each invariant that does not hold */
  async check(): Promise<void> {
    this.rig.heal();
    const wrong: string[] = [];
    const step = async (name: string, work: () => Promise<readonly string[]> | readonly string[]): Promise<void> => {
      try {
        wrong.push(...(await work()));
      } catch (error) {
        wrong.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    await step('I10', () => this.#processes());
    await step('I5', () => this.#delivered());
    await step('I4', () => this.#sameEverywhere());
    await step('I1, I2', () => this.#history());
    await step('I3', () => this.#chain());
    await step('I6', () => this.#removals());
    await step('I7, I8', () => this.#dataPlane());
    await step('I9', () => this.#certificates());
    await step('I11', () => this.#secrecy());
    if (wrong.length > 0) throw new Error(`invariants are broken:\n${wrong.join('\n')}`);
  }

  #processes(): string[] {
    const { replicas } = this.rig;
    return [
      ...replicas.flatMap(({ unasked }) => (unasked === undefined ? [] : [`I10: ${unasked}`])),
      ...replicas
        .filter((replica) => replica.residentMb() > RESIDENT_MB)
        .map((replica) => `I10: ${replica.name} takes ${Math.round(replica.residentMb())} MB`),
    ];
  }

  /** A new write is taken and reaches the data plane; then no proxy is behind, and none has refused anything. */
  async #delivered(): Promise<string[]> {
    const { rig } = this;
    const write = await rig.writer.writeSurely();
    await rig.prober.sees(write, ACKED_WITHIN_MS);
    let last = '';
    await until('every proxy has all', ACKED_WITHIN_MS, async () => {
      const views = await this.#views();
      last = rig.members
        .filter(({ name }) => !views.some((view) => view.instance === name && isCurrent(view)))
        .map(({ name }) => name)
        .join(', ');
      return last === '';
    }).catch((error: unknown) => {
      throw new Error(`behind: ${last} (${String(error)})`);
    });
    return [];
  }

  async #views(): Promise<ProxyView[]> {
    const views: ProxyView[] = [];
    for (const replica of this.#live()) {
      const { text } = await this.rig.ask(replica, 'GET', '/api/v1/meshes/default/proxies');
      views.push(...(JSON.parse(text) as { items: ProxyView[] }).items);
    }
    return views;
  }

  async #sameEverywhere(): Promise<string[]> {
    this.#observer ??= await Observer.register(this.rig);
    const observer = this.#observer;
    const clients = await Promise.all(this.#live().map((replica) => observer.watch(replica)));
    try {
      await until(
        'every replica has the same content',
        SAME_WITHIN_MS,
        () => new Set(clients.map(contents)).size === 1,
      );
      for (const client of clients) client.expectNoFaults();
      return [];
    } finally {
      for (const client of clients) client.disconnect();
    }
  }

  async #history(): Promise<string[]> {
    const { server, writer } = this.rig;
    const keys = await server.rows<{ key: string; revision: string | null }>('SELECT key, revision FROM idempotency');
    const changes = await server.rows<{ revision: string; entries: string }>(
      `SELECT c.revision, count(a.seq) AS entries FROM change c
       LEFT JOIN audit_entry a ON a.revision = c.revision AND a.decision = 'applied' AND a.action IN ('write', 'rollback')
       GROUP BY c.revision`,
    );
    const alive = await server.rows<{ name: string }>(
      `SELECT kind || '/' || name AS name FROM (
         SELECT DISTINCT ON (mesh, kind, namespace, name) kind, name, op FROM resource_history
         ORDER BY mesh, kind, namespace, name, revision DESC, position DESC) h WHERE op <> 'deleted'`,
    );
    const stored = await server.rows<{ name: string }>(`SELECT kind || '/' || name AS name FROM resource`);
    const found: StoredHistory = {
      keys: new Map(
        keys.flatMap(({ key, revision }) =>
          revision === null ? [] : [[key.slice(key.indexOf('/') + 1), Number(revision)]],
        ),
      ),
      changes: new Map(changes.map((row) => [Number(row.revision), Number(row.entries)])),
      alive: new Set(alive.map((row) => row.name)),
      stored: new Set(stored.map((row) => row.name)),
    };
    return checkHistory(writer.sent, found);
  }

  async #chain(): Promise<string[]> {
    const store = await openStore({ url: this.rig.server.url, replica: 'checker', pool: 2 });
    try {
      const verdict = await store.verifyAudit();
      return verdict.ok ? [] : [`I3: entry ${verdict.seq} of the audit chain: ${verdict.reason}`];
    } finally {
      await store.close();
    }
  }

  /** Envoys count what they were told to take away: a service that was deleted explains one cluster. */
  async #removals(): Promise<string[]> {
    const wrong: string[] = [];
    for (const member of this.rig.members) {
      const stats = await member.sidecar.stats('cluster_removed|membership_total');
      const removed = stats.get('cluster_manager.cluster_removed') ?? 0;
      this.#removed.set(member.name, removed);
      if (removed > this.rig.writer.deletions)
        wrong.push(`I6: ${member.name} lost ${removed} clusters, ${this.rig.writer.deletions} services were deleted`);
      const endpoints = stats.get('cluster.shop/back/8080.membership_total') ?? 0;
      if (endpoints !== this.#backs()) wrong.push(`I6: ${member.name} has ${endpoints} endpoints of back`);
    }
    return wrong;
  }

  #backs(): number {
    return this.rig.members.filter(({ name }) => name.startsWith('back-')).length;
  }

  #dataPlane(): string[] {
    const { failures, leaks } = this.rig.prober;
    return [...failures.slice(0, 5).map((line) => `I7: ${line}`), ...leaks.map((line) => `I8: ${line}`)];
  }

  async #certificates(): Promise<string[]> {
    const found = await Promise.all(this.rig.members.map((member) => foreignIds(member)));
    return found.flat().map((line) => `I9: ${line}`);
  }

  async #secrecy(): Promise<string[]> {
    const { rig } = this;
    const wrong = rig.replicas.flatMap((replica) =>
      checkSecrecy(`the log of ${replica.name}`, replica.log(), [rig.token]),
    );
    const tables = await rig.server.rows<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
    );
    for (const { name } of tables) {
      const rows = await rig.server.rows<{ text: string }>(`SELECT t::text AS text FROM "${name}" t`);
      wrong.push(...checkSecrecy(`table ${name}`, rows.map((row) => row.text).join('\n'), [rig.token]));
    }
    return wrong;
  }

  #live() {
    return this.rig.replicas.filter((replica) => replica.alive && !replica.frozen);
  }
}

const isCurrent = (view: ProxyView): boolean =>
  view.types.length > 0 && view.types.every(({ state }) => state === 'ACKED');

/** Certificates of its own that name somebody else. */
async function foreignIds(member: Member): Promise<string[]> {
  const page = JSON.parse(await member.sidecar.adminPage('/certs')) as {
    certificates: { cert_chain: { subject_alt_names: { uri?: string }[] }[] }[];
  };
  const own = `spiffe://default.heddle.local/shop/${member.sidecar.plan.workload}`;
  const ids = page.certificates.flatMap((one) => one.cert_chain.flatMap((cert) => cert.subject_alt_names));
  return ids.flatMap(({ uri }) => (uri !== undefined && uri !== own ? [`${member.name} holds ${uri}`] : []));
}
