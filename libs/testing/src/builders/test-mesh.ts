/** A mesh graph under test: feeds it, keeps what it has published, and shows that as JSON. */

import {
  type CompiledChange,
  type CompiledResource,
  MeshGraph,
  type MeshLane,
  type MeshPass,
  type Writes,
} from '#libs/compiler';
import { resourceToJson } from '#libs/envoy-api';
import type { DomainValue, Instance, PolicyKind, ResourceId } from '#libs/model';

export type Input =
  | { readonly put: DomainValue }
  | { readonly delete: ResourceId }
  | { readonly instance: Instance }
  | { readonly gone: { readonly namespace: string; readonly name: string } }
  | { readonly address: readonly [service: string, number: number] };

export function idOf(value: DomainValue): ResourceId {
  if (value.type === 'Mesh') return { kind: 'Mesh', namespace: '', name: value.value.name };
  const { kind, namespace, name } = value.value.source;
  return { kind, namespace, name };
}

export class TestMesh {
  readonly graph: MeshGraph;
  readonly resources = new Map<string, CompiledResource>();
  readonly layers = new Map<string, readonly string[]>();
  readonly views = new Map<string, readonly string[]>();

  #lane: MeshLane | undefined;

  constructor(policies: readonly PolicyKind[] = [], mesh = 'default') {
    this.graph = new MeshGraph({ mesh, policies });
  }

  /** Sets the inputs and takes one pass. */
  apply(...inputs: readonly Input[]): CompiledChange {
    for (const input of inputs) this.#set(input);
    return this.#keep(this.graph.pass());
  }

  /** Sets the inputs and begins a pass in slices; `apply` may be called before it is adopted. */
  begin(...inputs: readonly Input[]): MeshPass {
    for (const input of inputs) this.#set(input);
    const pass = this.graph.begin();
    return { ...pass, adopt: () => this.#keep(pass.adopt()) };
  }

  /** Opens a lane for some instances, `<namespace>/<name>`; `catchUp` shows it to them. */
  openLane(writes: Writes, members: Iterable<string>): MeshLane {
    this.#lane = this.graph.openLane(writes);
    this.#lane.members = new Set(members);
    return this.#lane;
  }

  /** Publishes what the lane has become. */
  catchUp(): CompiledChange | undefined {
    return this.#lane && this.#note(this.#lane.next());
  }

  closeLane(): void {
    const lane = this.#lane;
    this.#lane = undefined;
    if (lane) this.#note(lane.close());
  }

  #keep(change: CompiledChange): CompiledChange {
    this.#note(this.#lane?.behind(change) ?? change);
    return change;
  }

  #note(change: CompiledChange): CompiledChange {
    for (const resource of change.set) this.resources.set(resource.key, resource);
    for (const key of change.removed) this.resources.delete(key);
    for (const layer of change.layers) this.layers.set(layer.id, layer.keys);
    for (const id of change.removedLayers) this.layers.delete(id);
    for (const view of change.views) this.views.set(view.id, view.layers);
    for (const id of change.removedViews) this.views.delete(id);
    return change;
  }

  #set(input: Input): void {
    if ('put' in input) this.graph.setResource(idOf(input.put), input.put);
    else if ('delete' in input) this.graph.removeResource(input.delete);
    else if ('instance' in input) this.graph.setInstance(input.instance);
    else if ('gone' in input) this.graph.removeInstance(input.gone.namespace, input.gone.name);
    else this.graph.setAddress(...input.address);
  }

  /** What an instance sees, by type and wire name; later layers win. @param instance `<namespace>/<name>` */
  seen(instance: string): ReadonlyMap<string, CompiledResource> {
    const [namespace = '', name = ''] = instance.split('/');
    const layers = this.views.get(this.graph.viewOf(namespace, name) ?? '') ?? [];
    const seen = new Map<string, CompiledResource>();
    for (const key of layers.flatMap((layer) => this.layers.get(layer) ?? [])) {
      const resource = this.resources.get(key);
      if (!resource) throw new Error(`a layer lists ${key}, which was never published`);
      seen.set(`${resource.type} ${resource.name}`, resource);
    }
    return seen;
  }

  /** One resource that an instance sees, as JSON; `undefined` if it does not. */
  json(instance: string, type: string, name: string): unknown {
    const resource = this.seen(instance).get(`${type} ${name}`);
    return resource && resourceToJson(type, resource.bytes);
  }

  /** Names of a type that an instance sees, sorted. */
  names(instance: string, type: string): readonly string[] {
    return [...this.seen(instance).values()]
      .filter((r) => r.type === type)
      .map((r) => r.name)
      .sort();
  }

  /** Everything published, as text that is equal exactly when the bytes and lists are. */
  fingerprint(): string {
    const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify([
      sorted(this.resources).map(([key, r]) => [
        key,
        r.type,
        r.name,
        r.version,
        r.requires,
        Buffer.from(r.bytes).toString('hex'),
      ]),
      sorted(this.layers),
      sorted(this.views),
    ]);
  }
}
