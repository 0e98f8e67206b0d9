import type { Lookup } from '../cell.js';
import type { Source } from '../delivery/board.js';
import type { Whole } from '../delivery/whole.js';
import type { StreamSecrets } from '../secrets.js';
import type { Spreading } from '../spreading.js';
import type { Subscription } from '../subscription.js';
import { typeSpec } from '../type-specs.js';
import type { TypeUrl } from '../types.js';
import type { ViewRecord } from '../view-record.js';

const NOTHING: readonly string[] = [];

/** The resources of a stream: of the view that it follows at the moment, and the secrets resolved for it. */
export class StreamSource implements Source {
  view: ViewRecord | undefined;
  secrets: StreamSecrets | undefined;

  constructor(private readonly spreading: Spreading) {}

  lookup(type: TypeUrl, name: string): Lookup {
    return typeSpec(type)?.secret ? this.secrets?.lookup(name) : this.view?.lookup(type, name);
  }

  names(type: TypeUrl): Iterable<string> {
    return this.view?.names(type) ?? NOTHING;
  }

  members(type: TypeUrl, glob: string): Iterable<string> {
    return this.view?.members(type, glob) ?? NOTHING;
  }

  whole(type: TypeUrl, subscription: Subscription): Whole | undefined {
    return typeSpec(type)?.secret ? undefined : this.view?.whole(type, subscription);
  }

  get change(): number {
    return this.spreading.change;
  }

  get expecting(): boolean {
    return this.spreading.underWay;
  }
}
