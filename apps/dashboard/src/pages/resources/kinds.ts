import type { OpenApi, Schema } from '../../api/types';

/** A kind as the API's own description has it. */
export interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly isNamespaced: boolean;
  readonly apiVersion: string;
  readonly summary: string;
  readonly spec: Schema;
}

const PATH = /^\/api\/v1\/meshes\/\{mesh\}\/(namespaces\/\{namespace\}\/)?([a-z]+)\/\{name\}$/;

interface Tagged {
  readonly get?: { readonly tags?: readonly string[] };
}

/** Every kind of manifest, by name. */
export function kindsOf({ paths, components }: OpenApi): readonly Kind[] {
  const found = Object.entries(paths).flatMap(([path, operations]): Kind[] => {
    const [, inNamespace, plural] = PATH.exec(path) ?? [];
    const kind = (operations as Tagged).get?.tags?.[0] ?? '';
    return plural === undefined
      ? []
      : kindOf(components.schemas[kind], { kind, plural, isNamespaced: inNamespace !== undefined });
  });
  const mesh = kindOf(components.schemas['Mesh'], { kind: 'Mesh', plural: 'meshes', isNamespaced: false });
  return [...mesh, ...found];
}

function kindOf(schema: Schema | undefined, rest: Pick<Kind, 'kind' | 'plural' | 'isNamespaced'>): Kind[] {
  const { apiVersion, spec } = schema?.properties ?? {};
  if (schema?.properties?.['kind']?.const !== rest.kind || spec === undefined) return [];
  return [{ ...rest, spec, apiVersion: String(apiVersion?.enum?.[0]), summary: schema.description ?? '' }];
}

/** Where the API has all of a kind. */
export const listPath = (mesh: string, { kind, plural }: Kind): string =>
  kind === 'Mesh' ? '/api/v1/meshes' : `/api/v1/meshes/${mesh}/${plural}`;

/** Where the API has one. @param namespace `-` for kinds of the whole mesh, as in the addresses of pages */
export function onePath(mesh: string, { kind, plural, isNamespaced }: Kind, namespace: string, name: string): string {
  if (kind === 'Mesh') return `/api/v1/meshes/${name}`;
  return `/api/v1/meshes/${mesh}/${isNamespaced ? `namespaces/${namespace}/` : ''}${plural}/${name}`;
}
