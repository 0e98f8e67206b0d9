import { Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type { ResourceExplanationView } from '#libs/api/views';
import type { ExplainedNode, PolicyField, Written } from '#libs/changes';
import { get } from '../../api/client';
import { useMesh } from '../../session/session';
import { yamlOf } from '../../ui/diff';
import { hrefOf, idOf, ResourceLink } from '../../ui/resource';
import { Mono, Tag, Time } from '../../ui/signs';
import { Asked } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import css from './proxy.module.css';

interface Asks {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly resource: string;
}

/** Why a proxy has one Envoy resource: what it was made from, down to who wrote that, and which policies have a say. */
export function Explanation(asks: Asks) {
  const { name: mesh } = useMesh();
  const [full, setFull] = useState(false);
  const query = new URLSearchParams({ ...asks, full: String(full) }).toString();
  const found = useQuery({
    queryKey: ['mesh', mesh, 'explain', query],
    queryFn: ({ signal }) => get<ResourceExplanationView>(`/api/v1/meshes/${mesh}/explain/resource?${query}`, signal),
  });
  return (
    <Asked of={found}>
      {({ tree, policies, own, resource, revision }) => (
        <div style={{ display: 'grid', gap: 18 }}>
          <div>
            <Tag tone="accent">{resource.type}</Tag> <Mono>{resource.name}</Mono>
            <div className={ui.rowText}>
              as of revision {revision}, content {resource.version.slice(0, 12)}
            </div>
          </div>
          <section aria-label="What it was made from">
            <div className={css.treeHead}>
              <h3>What it was made from</h3>
              <Switch
                size="xs"
                label="Every step"
                checked={full}
                onChange={(event) => setFull(event.currentTarget.checked)}
              />
            </div>
            <ul className={css.tree}>
              <Node node={tree} />
            </ul>
          </section>
          {policies.length > 0 && (
            <section aria-label="Policies that have a say">
              <h3>Policies that have a say</h3>
              {policies.map((field) => (
                <Field key={`${field.place}${field.kind}${field.field}`} {...field} />
              ))}
            </section>
          )}
          {own.length > 0 && (
            <section aria-label="What routes say themselves">
              <h3>What routes say themselves</h3>
              {own.map(({ place, field, value, from }) => (
                <p key={place + field} className={ui.problemText}>
                  <Mono>{`${field}: ${yamlOf(value)}`}</Mono> for {place}, by <Author of={from} />
                </p>
              ))}
            </section>
          )}
        </div>
      )}
    </Asked>
  );
}

const Author = ({ of }: { readonly of: Written }) => (
  <span>
    <Link href={hrefOf(of)} className={ui.link}>
      {idOf(of)}
    </Link>
    {of.change && (
      <span className={ui.rowText}>
        {' '}
        <Link href={`/changes/${of.change}`}>{of.change}</Link> by {of.actor}
        {of.at && (
          <>
            , <Time at={of.at} />
          </>
        )}
      </span>
    )}
  </span>
);

function Node({ node }: { readonly node: ExplainedNode }) {
  const { what, written, instance, from, repeated, withheld } = node;
  return (
    <li>
      <div className={css.node}>
        {written ? <Author of={written} /> : <span className={css.step}>{what}</span>}
        {instance && (
          <Tag tone={instance.routable ? 'good' : 'warn'}>{instance.routable ? 'serves' : 'does not serve'}</Tag>
        )}
        {withheld && <Tag tone="bad">no longer parses</Tag>}
        {repeated && <span className={ui.rowText}>see above</span>}
      </div>
      {from.length > 0 && (
        <ul>
          {from.map((one, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: reads are told apart by their order alone
            <Node key={`${one.what}${i}`} node={one} />
          ))}
        </ul>
      )}
    </li>
  );
}

const Field = ({ place, kind, field, value, from, shadowed, overruled }: PolicyField) => (
  <div className={css.node} style={{ display: 'block' }}>
    <Mono>{field === '' ? kind : `${field}: ${yamlOf(value)}`}</Mono>{' '}
    <span className={ui.rowText}>for {place}, by</span> <ResourceLink of={from} />
    {overruled && <Tag tone="warn">the route says it itself</Tag>}
    {shadowed.length > 0 && <div className={ui.rowText}>Also set, and lost: {shadowed.map(idOf).join(', ')}</div>}
  </div>
);
