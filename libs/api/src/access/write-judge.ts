import { type Denial, type ProposedWrite, toManifest, type WriteVerdict } from '#libs/changes';
import {
  type DomainValue,
  type Extent,
  isReferenceAllowed,
  type Labels,
  type Manifest,
  type Registry,
  type ResourceId,
  type Rights,
  resourceKey,
  type Verb,
} from '#libs/model';
import type { Resources } from '#libs/store';
import { grantingDenials } from './granting.js';
import type { RolePolicies } from './role-policies.js';
import { meaningOf, type Need, needsOf, reachOf, storedMeaning } from './write-rules.js';

/** On whose behalf, and where. */
export interface Judging {
  readonly registry: Registry;
  readonly resources: Pick<Resources, 'get' | 'list'>;
  readonly policies: RolePolicies;
  readonly rights: Rights;
  readonly mesh: string;
  /** True if the caller may know that this is there. */
  readonly mayKnow: (id: ResourceId, labels: Labels) => boolean;
}

/** A write with the meaning of what is there and of what comes. */
interface Case {
  readonly write: ProposedWrite;
  readonly verb: Verb;
  readonly states: readonly { readonly manifest: Manifest; readonly value: DomainValue | undefined }[];
  /** Permitted whatever the objects are: nothing has to be looked at. */
  readonly free: boolean;
}

type TargetLabels = (target: ResourceId) => readonly Labels[];

/** Judges every write of a request; see `AccessControl.authorizeEach`. @throws StoreUnavailable */
export async function judgeWrites(judging: Judging, writes: readonly ProposedWrite[]): Promise<WriteVerdict> {
  const cases = writes.map((write) => caseOf(judging, write));
  const labels = await targetLabels(judging, cases);
  const denials: Denial[] = [];
  const decidedBy: ResourceId[] = [];
  for (const each of cases) {
    const { write } = each;
    const needs = each.free ? [] : needsOfCase(judging, each, labels);
    const missing = await firstMissing(judging, write, needs);
    if (missing) denials.push(denial(judging, write, missing));
    else denials.push(...grantingDenials({ ...judging, write, writes }));
    if (isDecidedByRow(judging.rights, write, needs)) decidedBy.push(write.id);
  }
  return { denials, decidedBy };
}

function caseOf({ registry, rights, mesh }: Judging, write: ProposedWrite): Case {
  const verb: Verb = write.after === undefined ? 'delete' : write.before === undefined ? 'create' : 'update';
  // By the time of the write, what is created may be there, and what is updated gone.
  const verbs: readonly Verb[] = verb === 'delete' ? [verb] : ['create', 'update'];
  const free = verbs.every((one) => rights.covers({ verb: one, kind: write.id.kind, mesh }));
  const { before, after } = free ? {} : write;
  const states = [
    ...(before ? [{ manifest: before, value: storedMeaning(registry, mesh, before) }] : []),
    ...(after ? [{ manifest: after, value: meaningOf(registry, mesh, after) }] : []),
  ];
  return { write, verb, states, free };
}

function needsOfCase({ mesh }: Judging, { write, verb, states }: Case, labels: TargetLabels): readonly Need[] {
  if (states.length === 0) return [{ extent: { ...write.id, verb, mesh } }];
  return states.flatMap(({ manifest, value }) => needsOf({ verb, mesh, manifest, value }, labels));
}

async function firstMissing(
  judging: Judging,
  { id }: ProposedWrite,
  needs: readonly Need[],
): Promise<Need | undefined> {
  for (const need of needs) {
    if (judging.rights.covers(need.extent)) continue;
    if (need.target === undefined || !(await isConsented(judging, id, need.target))) return need;
  }
  return undefined;
}

/** A ReferenceGrant in the namespace of the target is its owner's consent; inside of a namespace there is none. */
async function isConsented({ registry, resources, mesh }: Judging, from: ResourceId, target: ResourceId) {
  const { namespace } = target;
  if (from.namespace === namespace) return false;
  const { items } = await resources.list({ mesh, kind: 'ReferenceGrant', namespace, limit: 500 });
  const grants = items.flatMap((row) => {
    const value = storedMeaning(registry, mesh, toManifest(row));
    return value?.type === 'ReferenceGrant' ? [value.value] : [];
  });
  return isReferenceAllowed(from, target, grants);
}

/** Labels, and of a binding its namespaces, are read outside of the write: it must find them as they were. */
function isDecidedByRow(rights: Rights, { id, after }: ProposedWrite, needs: readonly Need[]): boolean {
  if (id.kind === 'RoleBinding') return true;
  const byLabels = needs.some(({ extent }) => rights.dependsOnLabels(extent));
  if (byLabels || after === undefined) return byLabels;
  return !(['create', 'update'] as const).every((verb) =>
    needs.every(({ extent }) => rights.covers({ ...extent, verb })),
  );
}

function denial({ rights, mesh, mayKnow }: Judging, write: ProposedWrite, { extent, reason }: Need): Denial {
  const { id, before, after } = write;
  const { kind, namespace, name } = id;
  const { labels: _, ...missing } = extent;
  const readable = before !== undefined && mayKnow(id, before.metadata.labels);
  // Whoever may do this to no object here learns nothing about one by being told so.
  const somewhere = rights.touches({ kind, name, verb: 'delete', mesh, namespace: namespace || undefined });
  const hidden = after === undefined && !readable && somewhere;
  return { resource: id, missing, hidden, ...(reason === undefined ? {} : { reason }) };
}

/** The labels of everything that the writes act upon, as they are and as this request makes them. */
async function targetLabels({ resources, rights, mesh }: Judging, cases: readonly Case[]): Promise<TargetLabels> {
  const known = new Map<string, Labels[]>();
  const note = (id: ResourceId, labels: Labels): void => {
    known.set(resourceKey(id), [...(known.get(resourceKey(id)) ?? []), labels]);
  };
  const looked = new Set(cases.map(({ write }) => resourceKey(write.id)));
  for (const { write } of cases) {
    for (const state of [write.before, write.after]) if (state) note(write.id, state.metadata.labels);
  }
  for (const target of cases.flatMap((each) => targetsOf(rights, mesh, each))) {
    if (looked.has(resourceKey(target))) continue;
    looked.add(resourceKey(target));
    const row = await resources.get(mesh, target.kind, target.namespace, target.name);
    if (row) note(target, row.labels);
  }
  return (id) => known.get(resourceKey(id)) ?? [];
}

/** What is acted upon, as far as its labels can make a difference. */
function targetsOf(rights: Rights, mesh: string, { verb, states }: Case): readonly ResourceId[] {
  return states.flatMap(({ manifest: { kind, metadata }, value }) =>
    reachOf(value).targets.flatMap(({ id }) => {
      const extent: Extent = { verb, kind, mesh, namespace: id.namespace, name: metadata.name };
      return rights.dependsOnLabels(extent) ? [id] : [];
    }),
  );
}
