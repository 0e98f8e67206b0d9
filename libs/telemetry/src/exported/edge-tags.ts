import type { ExportedValues } from '#libs/kernel';

type Tags = Readonly<Record<string, string>>;

/** What policies say of who calls and is called in a mesh, by `<namespace>/<workload>` and `<namespace>/<service>`. */
export interface EdgeTags {
  readonly workloads: Readonly<Record<string, Tags>>;
  readonly services: Readonly<Record<string, Tags>>;
}

interface Ends {
  /** `<namespace>/<workload>` */
  readonly caller: string;
  /** `<namespace>/<service>/<port>` */
  readonly callee: string;
}

/** Either end has its own, so that two of the same name do not meet. */
export function edgeTags(tags: EdgeTags | undefined, { caller, callee }: Ends): ExportedValues {
  if (!tags) return {};
  const service = callee.split('/').slice(0, 2).join('/');
  return {
    ...named('heddle.caller.tag', tags.workloads[caller]),
    ...named('heddle.callee.tag', tags.services[service]),
  };
}

const named = (prefix: string, tags: Tags = {}): ExportedValues =>
  Object.fromEntries(Object.entries(tags).map(([name, value]) => [`${prefix}.${name}`, value]));
