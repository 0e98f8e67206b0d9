import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { isProblem } from '../../api/client';
import { openApi, resourcesAt } from '../../api/queries';
import { useMesh } from '../../session/session';
import { Page } from '../../ui/page';
import { Asked } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { type Kind, kindsOf, listPath } from './kinds';
import css from './resources.module.css';

/** Everything that can be written in this mesh. */
export function KindsPage() {
  const description = useQuery(openApi());
  return (
    <Page
      title="Resources"
      lead="Manifests are all there is: what is written here is what the mesh does. Every write is planned before it is applied."
    >
      <Asked of={description}>{(data) => <Kinds kinds={kindsOf(data)} />}</Asked>
    </Page>
  );
}

function Kinds({ kinds }: { readonly kinds: readonly Kind[] }) {
  const { name: mesh } = useMesh();
  const lists = useQueries({ queries: kinds.map((kind) => resourcesAt(mesh, kind.plural, listPath(mesh, kind))) });
  return (
    <div className={css.kinds}>
      {kinds.map(({ kind, summary }, i) => {
        const { data, error } = lists[i] ?? {};
        if (isProblem(error) && error.status === 403) return null;
        return (
          <Link key={kind} href={`/resources/${kind}`} className={css.kind}>
            <span className={css.kindHead}>
              {kind}
              <span className={css.count}>{data === undefined ? '…' : data.length}</span>
            </span>
            <span className={ui.rowText}>{summary}</span>
          </Link>
        );
      })}
    </div>
  );
}
