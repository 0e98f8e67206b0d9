import {
  type AlertReceiver,
  type DomainValue,
  printId,
  type Registry,
  type ResourceId,
  readStored,
  referencesOf,
  resourceKey,
} from '#libs/model';
import type { Store, StoredResource } from '#libs/store';
import type { Watched } from '../engine/assess.js';
import { receiverKey } from '../routing/dispatch.js';

/** Everything about alerts that is written in one mesh. */
export interface MeshRules extends Watched {
  readonly receivers: readonly AlertReceiver[];
  /** Stored documents that this build cannot read: `AlertRule shop/x: why`. */
  readonly broken: readonly string[];
  /** What rules and objectives refer to and is not there, in words, by `resourceKey` of who refers; see `references`. */
  readonly missing: ReadonlyMap<string, string>;
}

export interface RuleBookOptions {
  readonly store: Pick<Store, 'resources' | 'identity'>;
  readonly registry: Registry;
  /** Look whether what is referred to is there: for people, at the cost of reading all services. Default false. */
  readonly references?: boolean;
}

const KINDS = ['ServiceLevelObjective', 'AlertRule', 'AlertReceiver'] as const;
const PAGE = 500;

/** What is written, by mesh: read again when the config revision has moved. */
export class RuleBook {
  #revision = -1;
  #meshes: readonly string[] = [];
  readonly #rules = new Map<string, MeshRules>();

  constructor(private readonly options: RuleBookOptions) {}

  /** Every mesh, by name. @throws StoreUnavailable */
  async all(): Promise<readonly MeshRules[]> {
    await this.#refresh();
    const found: MeshRules[] = [];
    for (const mesh of this.#meshes) found.push(await this.#read(mesh));
    return found;
  }

  /** Of a mesh that does not exist there is nothing. @throws StoreUnavailable */
  async of(mesh: string): Promise<MeshRules> {
    await this.#refresh();
    return this.#read(mesh);
  }

  /** @param key `<namespace>/<name>` @throws StoreUnavailable */
  async receiver(mesh: string, key: string): Promise<AlertReceiver | undefined> {
    return (await this.of(mesh)).receivers.find((receiver) => receiverKey(receiver) === key);
  }

  async #refresh(): Promise<void> {
    const { configRevision } = await this.options.store.identity();
    if (configRevision === this.#revision) return;
    this.#meshes = await this.options.store.resources.meshes();
    this.#rules.clear();
    this.#revision = configRevision;
  }

  async #read(mesh: string): Promise<MeshRules> {
    const known = this.#rules.get(mesh);
    if (known) return known;
    const revision = this.#revision;
    const rules = await this.#parsed(mesh);
    if (revision === this.#revision) this.#rules.set(mesh, rules);
    return rules;
  }

  async #parsed(mesh: string): Promise<MeshRules> {
    const values: DomainValue[] = [];
    const broken: string[] = [];
    for (const kind of KINDS) {
      for (const row of await this.#rows(mesh, kind)) {
        const read = readStored(this.options.registry, mesh, row);
        if (read.ok) values.push(read.value);
        else broken.push(`${printId(row)}: ${read.error[0]?.message ?? 'it cannot be read'}`);
      }
    }
    return {
      mesh,
      broken,
      missing: this.options.references ? await this.#missing(mesh, values) : new Map(),
      objectives: values.flatMap((one) => (one.type === 'ServiceLevelObjective' ? [one.value] : [])),
      rules: values.flatMap((one) => (one.type === 'AlertRule' ? [one.value] : [])),
      receivers: values.flatMap((one) => (one.type === 'AlertReceiver' ? [one.value] : [])),
    };
  }

  async #missing(mesh: string, values: readonly DomainValue[]): Promise<ReadonlyMap<string, string>> {
    const wanted = values.flatMap((value) => {
      const from = 'source' in value.value ? value.value.source : undefined;
      return from ? referencesOf(value).map(({ to }) => ({ from: resourceKey(from), to })) : [];
    });
    const there = new Set<string>();
    for (const kind of new Set(wanted.flatMap(({ to }) => kindsOf(to)))) {
      for (const { namespace, name } of await this.#rows(mesh, kind)) there.add(resourceKey({ kind, namespace, name }));
    }
    const isThere = (to: ResourceId): boolean => kindsOf(to).some((kind) => there.has(resourceKey({ ...to, kind })));
    return new Map(wanted.flatMap(({ from, to }) => (isThere(to) ? [] : [[from, `${printId(to)} is not there`]])));
  }

  async #rows(mesh: string, kind: string): Promise<readonly StoredResource[]> {
    const rows: StoredResource[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.options.store.resources.list({ mesh, kind, limit: PAGE, cursor });
      rows.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return rows;
  }
}

/** What a service is called by may be one of the mesh or one outside of it. */
const kindsOf = ({ kind }: ResourceId): readonly string[] =>
  kind === 'Service' ? ['Service', 'ExternalService'] : [kind];
