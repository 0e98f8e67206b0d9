import { type Edge, EdgeMemory, edgeKey } from './edge-tally.js';

/** Of the 512 MB of the process: 4,000 edges to twenty instances each take some 35 MB. */
const MOST_BYTES = 48e6;

interface OfMesh {
  /** Of whatever bucket something came last is at the end. */
  readonly edges: Map<string, EdgeMemory>;
  bytes: number;
}

/** What is remembered of the edges of all meshes. */
export class EdgeMemories {
  readonly #meshes = new Map<string, OfMesh>();

  constructor(private readonly mostBytes = MOST_BYTES) {}

  /** What is remembered of an edge, of which something came in the bucket that started then. */
  of(mesh: string, edge: Edge, start: number): EdgeMemory {
    const { edges } = this.#mesh(mesh);
    const key = edgeKey(edge);
    const memory = edges.get(key) ?? new EdgeMemory();
    edges.delete(key);
    edges.set(key, memory);
    memory.seenAt = start;
    return memory;
  }

  /**
   * Forgets the edges that were not seen since then, and, where there is no room for all, those that were seen longest ago of
   * whichever mesh has most.
   * @returns how many found no room
   */
  forget(before: number): number {
    for (const [name, mesh] of this.#meshes) {
      forgetBefore(mesh, before);
      if (mesh.edges.size === 0) this.#meshes.delete(name);
    }
    const meshes = [...this.#meshes.values()];
    let bytes = meshes.reduce((sum, mesh) => sum + mesh.bytes, 0);
    let forgotten = 0;
    while (bytes > this.mostBytes) {
      const largest = meshes.reduce((one, other) => (other.bytes > one.bytes ? other : one));
      const freed = forgetOldest(largest);
      largest.bytes -= freed;
      bytes -= freed;
      forgotten++;
    }
    return forgotten;
  }

  #mesh(name: string): OfMesh {
    const known = this.#meshes.get(name) ?? { edges: new Map(), bytes: 0 };
    this.#meshes.set(name, known);
    return known;
  }
}

function forgetBefore(mesh: OfMesh, before: number): void {
  mesh.bytes = 0;
  for (const [key, { seenAt, bytes }] of mesh.edges) {
    if (seenAt < before) mesh.edges.delete(key);
    else mesh.bytes += bytes + 2 * key.length;
  }
}

/** @returns bytes */
function forgetOldest({ edges }: OfMesh): number {
  for (const [key, { bytes }] of edges) {
    edges.delete(key);
    return bytes + 2 * key.length;
  }
  return 0;
}
