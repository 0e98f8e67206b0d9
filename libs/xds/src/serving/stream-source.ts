import type { Source } from '../delivery/board.js';
import type { StreamSecrets } from '../secrets.js';
import type { Spreading } from '../spreading.js';
import { typeSpec } from '../type-specs.js';
import type { ViewRecord } from '../view-record.js';

/** The resources of a stream: of the view that it follows at the moment, and the secrets resolved for it. */
export const sourceOf = (
  spreading: Spreading,
  view: () => ViewRecord | undefined,
  secrets: () => StreamSecrets | undefined,
): Source => ({
  lookup: (type, name) => (typeSpec(type)?.secret ? secrets()?.lookup(name) : view()?.lookup(type, name)),
  names: (type) => view()?.names(type) ?? [],
  members: (type, glob) => view()?.members(type, glob) ?? [],
  whole: (type, subscription) => (typeSpec(type)?.secret ? undefined : view()?.whole(type, subscription)),
  get change() {
    return spreading.change;
  },
  get expecting() {
    return spreading.underWay;
  },
});
