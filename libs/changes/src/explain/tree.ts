/** From the recorded reads of a resource to a tree that a person reads. */
import { type InstanceInput, inputOf, type StoredInput } from '#libs/compiler';
import type { Ctx, Dependency } from '#libs/incremental';
import { printId, resourceKey } from '#libs/model';
import type { Origins } from './origins.js';
import type { ExplainedNode } from './types.js';

/** A node before it is known who wrote it. */
export interface Step {
  readonly what: string;
  readonly type: ExplainedNode['type'];
  readonly input: StoredInput | InstanceInput | undefined;
  readonly from: readonly Step[];
  readonly repeated: boolean;
}

/** Steps of the compiler in words, by the name of their query. */
const WORDS: Readonly<Record<string, (key: string) => string>> = {
  cluster: (key) => `cluster ${key}`,
  endpoints: (key) => `endpoints of ${key}`,
  routes: (key) => `routes to ${table(key)}`,
  'port-routes': (key) => `routes to ${table(key)}`,
  scope: (key) => `name of a service: ${key}`,
  outbound: (key) => `shared outbound listener of ${key}`,
  'port-listener': (key) => `listener for ${key.split('|')[1] ?? key}`,
  'inbound-listener': (key) => `inbound listener ${key}`,
  'inbound-cluster': (key) => `application behind ${key}`,
  'inbound-routes': (key) => `inbound routes of ${key}`,
  identities: (key) => `identities of ${key}`,
  aliases: (key) => `names of ${key}`,
  'port-patch': (key) => `policies of callers of ${key}`,
  'selected-instances': (key) => `instances of ${key}`,
  'services-of-instance': (key) => `services that select instance ${key}`,
  'services-of-workload': (key) => `services of workload ${key}`,
  access: (key) => `access to ${key}`,
  'inbound-policies': (key) => `policies of the inbound port ${key}`,
  'inbound-protocol': (key) => `protocol of ${key}`,
};

const table = (key: string): string => key.replace(/@(.*)$/, ' for callers of namespace $1');

const step = (what: string, type: Step['type'], from: readonly Step[] = []): Step => ({
  ...{ what, type, from, input: undefined, repeated: false },
});

/** Every step, index and input as it was read. */
export function fullTree(ctx: Ctx, { kind, key, type, dependencies, repeated }: Dependency): Step {
  const from = dependencies.map((read) => fullTree(ctx, read));
  if (type === 'query') return { ...step(wordsOf(kind, key), 'step', from), repeated: repeated === true };
  if (type === 'index') return step(`index ${kind} ${key}`, 'index');
  const input = inputOf(ctx, { kind, key });
  return input ? { ...ofInput(input), what: `${kind} ${key}` } : step(`${kind} ${key}`.trim(), 'input');
}

const wordsOf = (kind: string, key: string): string => WORDS[kind]?.(key) ?? `${kind} ${key}`;

/** What somebody wrote or registered, each once, below the steps that it came by. */
export function shortTree(ctx: Ctx, root: Dependency): Step {
  const told = new Set<string>();
  return step(wordsOf(root.kind, root.key), 'step', shortOf(ctx, root.dependencies, told));
}

function shortOf(ctx: Ctx, reads: readonly Dependency[], told: Set<string>): readonly Step[] {
  // What is read here itself stands here, though a step before it has read it too.
  const own = new Map<Dependency, Step>();
  for (const read of reads) {
    const input = read.type === 'input' ? inputOf(ctx, read) : undefined;
    if (!input || told.has(identityOf(input))) continue;
    told.add(identityOf(input));
    own.set(read, ofInput(input));
  }
  return reads.flatMap((read) => {
    if (read.type !== 'query') return own.get(read) ?? [];
    const from = shortOf(ctx, read.dependencies, told);
    return from.length > 0 ? [step(wordsOf(read.kind, read.key), 'step', from)] : [];
  });
}

const identityOf = (input: StoredInput | InstanceInput): string =>
  input.type === 'instance'
    ? `Instance/${input.namespace}/${input.name}`
    : `${resourceKey(input.id)}${input.withheld ? ' withheld' : ''}`;

function ofInput(input: StoredInput | InstanceInput): Step {
  if (input.type === 'instance') {
    return { ...step(`instance ${input.namespace}/${input.name}`, 'instance'), input };
  }
  return { ...step(printId(input.id), 'resource'), input };
}

/** Names what the tree is going to name. */
export function nameAll(origins: Origins, { input, from }: Step): void {
  if (input?.type === 'resource') origins.add({ ...input.id, revision: input.revision });
  for (const one of from) nameAll(origins, one);
}

export function explained(origins: Origins, { what, type, input, from, repeated }: Step): ExplainedNode {
  return {
    ...{ what, type },
    ...(input?.type === 'resource' ? { written: origins.written(input.id) } : {}),
    ...(input?.type === 'resource' && input.withheld ? { withheld: true } : {}),
    ...(input?.type === 'instance'
      ? {
          instance: {
            ...{ namespace: input.namespace, instance: input.name },
            ...{ workload: input.workload, routable: input.routable },
          },
        }
      : {}),
    from: from.map((one) => explained(origins, one)),
    ...(repeated ? { repeated } : {}),
  };
}
