import { guardsAccess } from '#libs/compiler';
import { shortType } from '#libs/envoy-api';
import { type Clock, type Log, type Metrics, parseNodeId } from '#libs/kernel';
import type { BadContent, BadContents, FormerContent, Leases } from '#libs/store';
import type { Closing, HeldContent, NackInfo, Resource, StreamInfo, XdsServer } from '#libs/xds';
import { type Blame, CrashTracker } from './tracker.js';

export interface CrashGuardOptions {
  readonly store: { readonly badContents: BadContents; readonly leases: Leases };
  readonly server: () => Pick<XdsServer, 'heldBack'>;
  /** Everything that is committed now is published. */
  readonly caughtUp: () => Promise<void>;
  /** Host of a registered instance; undefined = it is not registered. */
  readonly hostOf: (node: string) => string | undefined;
  readonly refused: (stream: StreamInfo, nack: NackInfo) => void;
  readonly replica: string;
  readonly epoch: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** In the place of an Envoy's words. */
export const DIED = 'disconnected twice within 10 s of receiving it';
const EVERYWHERE = 'proxies on two hosts disconnected twice within 10 s of receiving it';
const LEASE_MS = 30_000;
/** Blamed contents that are stored one by one: of a change that alters everything, any is as good as all. */
const MOST_REPORTED = 20;

/**
 * Keeps contents away from proxies that die of them, and, on the word of two hosts, from everybody who does not run them
 * (REL-26). The first is known to this replica alone; the second is a row that all follow.
 */
export class CrashGuard {
  readonly #tracker = new CrashTracker();
  /** Live streams by node. */
  readonly #open = new Map<string, number>();
  /** Rows in force. */
  #rows: readonly BadContent[] = [];
  #isLoaded = false;
  /** Contents of rows that are held back from the proxies that they name. */
  readonly #reported = new Set<string>();

  constructor(private readonly options: CrashGuardOptions) {}

  streamOpened({ node }: StreamInfo): void {
    this.#open.set(node.id, (this.#open.get(node.id) ?? 0) + 1);
  }

  streamClosed({ node }: StreamInfo, closing: Closing): void {
    const others = (this.#open.get(node.id) ?? 1) - 1;
    if (others > 0) this.#open.set(node.id, others);
    else this.#open.delete(node.id);
    this.#tracker.ended(node.id, closing, { alive: others > 0, now: this.options.clock.monotonic() });
  }

  /** Before anything is sent on it. */
  streamBegins(stream: StreamInfo, resumed: boolean): void {
    const node = stream.node.id;
    const { blamed, needed } = this.#tracker.began(node, resumed, this.options.clock.monotonic());
    if (blamed.length === 0) return;
    const { log, metrics, server } = this.options;
    const contents = blamed.map(({ content, before }) => heldContent(content, before, DIED));
    server().heldBack.hold({ node, contents, extra: needed });
    metrics.count('heddle_crash_contents_total', { scope: 'proxy' }, blamed.length);
    log.error('a proxy disconnected twice within 10 s of receiving these contents: it gets those before', {
      proxy: node,
      contents: blamed.slice(0, MOST_REPORTED).map(({ content }) => `${shortType(content.type)} ${content.name}`),
      count: blamed.length,
    });
    for (const one of blamed) this.options.refused(stream, refusalOf(one));
    void this.#report(node, blamed.slice(0, MOST_REPORTED));
  }

  async #report(proxy: string, blamed: readonly Blame[]): Promise<void> {
    const { store, log, hostOf } = this.options;
    const host = hostOf(proxy);
    const mesh = parseNodeId(proxy)?.mesh;
    if (host === undefined || mesh === undefined) return;
    try {
      for (const { content, before } of blamed) {
        const { key, version, type, name } = content;
        const report = { mesh, key, version, type, name, proxy, host, reason: DIED, instead: before && former(before) };
        const row = await store.badContents.report({ ...report, mayBeCommon: !guardsAccess(key) });
        this.#reported.add(idOf(row));
        if (row.hosts.length > 1 && !row.everywhere)
          log.error('proxies on several hosts die of access rules: they are not taken back for everybody', {
            mesh,
            name,
          });
      }
    } catch (error) {
      log.warn('that a proxy died of a content could not be noted', { proxy, reason: String(error) });
    }
  }

  /** The rows as they are now. */
  follow(rows: readonly BadContent[]): void {
    const { server, log, metrics } = this.options;
    const common = rows.filter(({ everywhere }) => everywhere);
    const [all, everywhere] = [new Set(rows.map(idOf)), new Set(common.map(idOf))];
    const before = new Set(this.#rows.filter((row) => row.everywhere).map(idOf));
    this.#rows = rows;
    server().heldBack.release((entry, node) => {
      const id = idOf(entry);
      return node === undefined ? !everywhere.has(id) : this.#reported.has(id) && !all.has(id);
    });
    for (const id of this.#reported) if (!all.has(id)) this.#reported.delete(id);
    const news = common.filter((row) => !before.has(idOf(row)));
    for (const { mesh, type, name, hosts } of news)
      log.error('proxies on two hosts died of a content: nobody is sent it any more', {
        mesh,
        type: shortType(type),
        name,
        hosts,
      });
    metrics.gauge('heddle_crash_contents_held', common.length);
    if (this.#isLoaded) this.holdFromProxies();
    if (news.length === 0) return;
    metrics.count('heddle_crash_contents_total', { scope: 'everywhere' }, news.length);
    const contents = news.map((row) => heldContent(row, row.instead && { ...row, ...row.instead }, EVERYWHERE));
    server().heldBack.hold({ contents });
  }

  /**
   * What other replicas, or an earlier life of this one, have noted of single proxies. Once everything is published: what is
   * not published is not held back.
   */
  holdFromProxies(): void {
    this.#isLoaded = true;
    const { heldBack } = this.options.server();
    for (const row of this.#rows.filter((one) => !this.#reported.has(idOf(one)) && heldBack.isPublished(one))) {
      this.#reported.add(idOf(row));
      const contents = [heldContent(row, row.instead && { ...row, ...row.instead }, DIED)];
      for (const node of row.proxies) heldBack.hold({ node, contents });
    }
  }

  /** Rows whose content is in force no more have done their work. Only one replica looks. */
  async forgetPast(meshes: readonly string[]): Promise<void> {
    const { store, server, replica, epoch, log, caughtUp } = this.options;
    try {
      const rows = (await Promise.all(meshes.map((mesh) => store.badContents.list(mesh)))).flat();
      if (rows.length === 0) return;
      // Whoever noted it had published it by then, and now so has this replica, or what came after it.
      await caughtUp();
      const gone = rows.filter((row) => !server().heldBack.isPublished(row));
      if (gone.length === 0) return;
      const lease = await store.leases.take('bad-contents', `${replica}/${epoch}`, LEASE_MS);
      if (lease)
        await store.badContents.forget(
          lease,
          gone.map(({ id }) => id),
        );
    } catch (error) {
      log.debug('contents that proxies died of could not be looked through', { reason: String(error) });
    }
  }
}

const idOf = ({ key, version }: Pick<HeldContent, 'key' | 'version'>): string => `${version} ${key}`;

type Named = Pick<Resource, 'key' | 'version' | 'type' | 'name'>;

const heldContent = (
  { key, version, type, name }: Named,
  instead: Resource | undefined,
  message: string,
): HeldContent => ({
  ...{ key, version, type, name, message, instead },
});

const former = ({ version, bytes, requires }: Resource): FormerContent => ({ version, bytes, requires });

/** Reported as a refusal of it alone would be. */
const refusalOf = ({ content: { type, name, version }, change }: Blame): NackInfo => ({
  ...{ type, names: [name], nonce: '', message: DIED, isolated: true, version, change },
});
