/** Of the 512 MB of the process, for what is open: 16 s of 20,000 records a second. */
const MOST_BYTES = 96e6;
/** Of all, what anybody may have who comes first; the rest is for each mesh its equal part. */
const COMMON = 3 / 4;

interface Use {
  bytes: number;
}

/**
 * Memory for what sidecars tell until their bucket is closed, of all meshes together. Each mesh may always have an equal part of a
 * quarter of it; what is more than that is for whoever comes first, so one mesh keeps nothing from another.
 */
export class LiveRoom {
  readonly #meshes = new Map<string, Use>();
  #bytes = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  /** What is used. Bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** For something of this mesh. */
  part(mesh: string): RoomPart {
    const use = this.#meshes.get(mesh) ?? { bytes: 0 };
    this.#meshes.set(mesh, use);
    return new RoomPart({
      has: (bytes) => this.#has(use, bytes),
      add: (bytes) => {
        use.bytes += bytes;
        this.#bytes += bytes;
      },
    });
  }

  #has(use: Use, bytes: number): boolean {
    const all = this.#bytes + bytes;
    const own = (this.mostBytes * (1 - COMMON)) / this.#meshes.size;
    return all <= this.mostBytes * COMMON || (all <= this.mostBytes && use.bytes + bytes <= own);
  }
}

interface Room {
  has(bytes: number): boolean;
  add(bytes: number): void;
}

/** What one of those who share a room has of it. */
export class RoomPart {
  #bytes = 0;
  /** How often there was no room. */
  refused = 0;

  constructor(private readonly room: Room) {}

  /** @returns false, and takes nothing, when there is no room for it */
  take(bytes: number): boolean {
    if (!this.room.has(bytes)) {
      this.refused++;
      return false;
    }
    this.grow(bytes);
    return true;
  }

  /** Takes it whether there is room or not: for what has been let in, and grows by a few bytes with each record. */
  grow(bytes: number): void {
    this.#bytes += bytes;
    this.room.add(bytes);
  }

  give(bytes: number): void {
    this.grow(-bytes);
  }

  giveAll(): void {
    this.give(this.#bytes);
  }
}
