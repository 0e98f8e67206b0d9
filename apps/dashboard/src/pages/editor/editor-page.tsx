import { useQuery } from '@tanstack/react-query';
import { useParams, useSearchParams } from 'wouter';
import { manifestOf } from '../../api/manifest';
import { openApi, resourceAt } from '../../api/queries';
import type { StoredManifest } from '../../api/types';
import { useMesh } from '../../session/session';
import { Page } from '../../ui/page';
import { Asked } from '../../ui/states';
import { type Kind, kindsOf, onePath } from '../resources/kinds';
import type { JsonObject } from './draft';
import { Editor } from './editor';

/** Writes a new resource. `?namespace=` and `?target=` of the address fill in what they say. */
export function NewPage() {
  const { kind: name } = useParams<{ kind: string }>();
  const [params] = useSearchParams();
  const namespace = params.get('namespace') ?? 'default';
  const target = params.get('target');
  const description = useQuery(openApi());
  return (
    <Page
      title={`New ${name}`}
      crumbs={[
        { text: 'Resources', href: '/resources' },
        { text: name, href: `/resources/${name}` },
      ]}
    >
      <Asked of={description}>
        {(data) => {
          const kind = kindsOf(data).find((one) => one.kind === name);
          return kind ? <Editor kind={kind} draft={beginning(kind, namespace, target)} /> : null;
        }}
      </Asked>
    </Page>
  );
}

function beginning(
  { kind, apiVersion, isNamespaced, spec }: Kind,
  namespace: string,
  target: string | null,
): JsonObject {
  const targetRef =
    target === null || !spec.properties?.['targetRef'] ? {} : { targetRef: { kind: 'Service', name: target } };
  return {
    apiVersion,
    kind,
    metadata: { name: target ?? '', ...(isNamespaced ? { namespace } : {}) },
    spec: targetRef,
  };
}

/** Writes a resource that is there. */
export function EditPage() {
  const { name: mesh } = useMesh();
  const { kind: kindName, namespace, name } = useParams<{ kind: string; namespace: string; name: string }>();
  const description = useQuery(openApi());
  const kind = description.data && kindsOf(description.data).find((one) => one.kind === kindName);
  return (
    <Page
      title={`Edit ${name}`}
      lead={`${kindName}${namespace === '-' ? '' : ` in namespace ${namespace}`}`}
      crumbs={[
        { text: 'Resources', href: '/resources' },
        { text: kindName, href: `/resources/${kindName}` },
        { text: name, href: `/resources/${kindName}/${namespace}/${name}` },
      ]}
    >
      {kind && <Existing kind={kind} path={onePath(mesh, kind, namespace, name)} />}
    </Page>
  );
}

function Existing({ kind, path }: { readonly kind: Kind; readonly path: string }) {
  const { name: mesh } = useMesh();
  const resource = useQuery(resourceAt(mesh, path));
  return (
    <Asked of={resource}>
      {(data: StoredManifest) => <Editor kind={kind} draft={manifestOf(data)} stored={data} path={path} />}
    </Asked>
  );
}
