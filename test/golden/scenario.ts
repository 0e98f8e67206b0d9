/**
 * A scenario: `input.yaml` with manifests as users write them, instances, and who looks. It is parsed strictly by the kinds'
 * own schemas and compiled; its goldens show what the named instances see, in Envoy's language.
 *
 * Besides manifests, a document may be `kind: Instance` (fields of an instance; the rest has defaults) or
 * `kind: Scenario`, whose `sees` lists the instances to show, `<namespace>/<name>`.
 */
import { parseAllDocuments } from 'yaml';
import type { CompiledResource } from '#libs/compiler';
import { resourceToJson, TYPE } from '#libs/envoy-api';
import { createRegistry, type Instance } from '#libs/model';
import { policies } from '#policies';
import { anAddress, anInstance, type Input, TestMesh } from '../../libs/testing/src/builders/index.js';

export interface Scenario {
  readonly mesh: TestMesh;
  /** Instances to show. */
  readonly sees: readonly string[];
}

interface InstanceDocument {
  readonly kind: 'Instance';
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec?: Partial<Instance>;
}
interface ScenarioDocument {
  readonly kind: 'Scenario';
  readonly sees: readonly string[];
}

const isInstance = (document: { readonly kind?: unknown }): document is InstanceDocument =>
  document.kind === 'Instance';
const isScenario = (document: { readonly kind?: unknown }): document is ScenarioDocument =>
  document.kind === 'Scenario';

/** Compiles the text of an `input.yaml`. @throws Error for a document that is not valid, or a resource that fails. */
export function compile(input: string): Scenario {
  const registry = createRegistry(policies);
  const inputs: Input[] = [];
  let sees: readonly string[] = [];
  for (const [i, parsed] of parseAllDocuments(input).entries()) {
    const document = parsed.toJS() as { readonly kind?: unknown };
    if (isScenario(document)) sees = document.sees;
    else if (isInstance(document))
      inputs.push(anInstance(`${document.metadata.namespace}/${document.metadata.name}`, document.spec));
    else inputs.push(...manifestInputs(registry, document, i + 1));
  }
  const mesh = new TestMesh(policies);
  const { failures } = mesh.apply(...inputs);
  if (failures.length > 0) throw new Error(failures.map((f) => `${f.key}: ${f.message}`).join('\n'));
  return { mesh, sees };
}

function manifestInputs(
  registry: ReturnType<typeof createRegistry>,
  document: unknown,
  revision: number,
): readonly Input[] {
  const result = registry.parse(document, 'default');
  if (!result.ok) throw new Error(result.error.map((v) => `${v.path}: ${v.message}`).join('\n'));
  const { kind, metadata } = result.value.manifest;
  const source = { kind, namespace: metadata.namespace, name: metadata.name, revision, createdRevision: revision };
  const put: Input = { put: result.value.toDomain(source) };
  const isDestination = kind === 'Service' || kind === 'ExternalService';
  return isDestination ? [put, anAddress(`${metadata.namespace}/${metadata.name}`, revision + 1)] : [put];
}

const FILES: Readonly<Record<string, readonly string[]>> = {
  clusters: [TYPE.cluster],
  endpoints: [TYPE.endpoint],
  listeners: [TYPE.listener],
  routes: [TYPE.route, TYPE.scopedRoute],
};

/** What each instance sees, by golden file. */
export function shown({ mesh, sees }: Scenario): Readonly<Record<string, unknown>> {
  const views = sees.map((key) => [key, [...mesh.seen(key).values()]] as const);
  const files = Object.entries(FILES).map(([file, types]) => {
    const perInstance = views.map(([key, resources]) => [key, ofTypes(resources, types)] as const);
    return [file, Object.fromEntries(perInstance)] as const;
  });
  return Object.fromEntries(files);
}

const ofTypes = (resources: readonly CompiledResource[], types: readonly string[]): readonly unknown[] =>
  types.flatMap((type) =>
    resources
      .filter((resource) => resource.type === type)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((resource) => resourceToJson(type, resource.bytes)),
  );
