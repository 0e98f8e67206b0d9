import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { Link, useParams } from 'wouter';
import { useChangeEvents } from '../../api/events';
import { changeOf } from '../../api/queries';
import type { ChangePage as Change, Delivery, StagedView } from '../../api/types';
import { useMesh } from '../../session/session';
import { DeliveryWeave, deliveryWords } from '../../ui/delivery';
import { DocumentDiff, Fields } from '../../ui/diff';
import { Fold } from '../../ui/fold';
import { Page, Panel, Row, Rows } from '../../ui/page';
import { idOf, ResourceLink } from '../../ui/resource';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { toneOf } from '../../ui/tone';
import css from '../../ui/ui.module.css';
import { Waves } from '../release/waves';
import { RollBack } from './roll-back';
import { TrialActions } from './trial-actions';

/** A change: what it did, how far it has come, who refused it, and the way back. */
export function ChangePage() {
  const { name: mesh, mayPlan } = useMesh();
  const { change: id } = useParams<{ change: string }>();
  const change = useQuery(changeOf(mesh, id));
  const title = change.data?.message || change.data?.staged?.message || id;
  return (
    <Page
      title={title}
      crumbs={[{ text: 'Changes', href: '/changes' }]}
      lead={change.data && <Lead {...change.data} />}
      actions={mayPlan && change.data?.revision !== undefined && <RollBack change={id} />}
    >
      <Asked of={change}>{(data) => <Content change={data} />}</Asked>
    </Page>
  );
}

const Lead = ({ change, actor, at, reverts, staged }: Change) => (
  <>
    <Mono>{change}</Mono> by {actor ?? staged?.actor ?? 'somebody'}
    {(at ?? staged?.createdAt) && (
      <>
        , <Time at={at ?? staged?.createdAt ?? ''} />
      </>
    )}
    {reverts && (
      <>
        . It takes back{' '}
        <Link href={`/changes/${reverts}`} className={css.link}>
          {reverts}
        </Link>
      </>
    )}
  </>
);

function Content({ change }: { readonly change: Change }) {
  const { name: mesh } = useMesh();
  const queries = useQueryClient();
  const take = useCallback(
    (told: Pick<Change, 'change' | 'delivery' | 'staged'>) =>
      queries.setQueryData(changeOf(mesh, change.change).queryKey, (before) =>
        before ? { ...before, ...told } : before,
      ),
    [mesh, change.change, queries],
  );
  useChangeEvents(mesh, change.change, take);
  const { delivery, staged } = change;
  return (
    <>
      {staged && <Trial {...staged} />}
      {delivery && <Progress delivery={delivery} />}
      <Panel title="What it changed" note={change.hidden ? `and ${change.hidden} that you may not see` : ''} flush>
        {change.items.length === 0 ? (
          <Empty title={staged ? 'Written when everybody has it' : 'Nothing that you may see'}>
            {staged?.items.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).join(', ')}
          </Empty>
        ) : (
          change.items.map((item) => (
            <Fold
              key={`${item.kind}${item.namespace}${item.name}`}
              title={<Mono>{idOf(item)}</Mono>}
              end={<Tag tone={item.op === 'delete' ? 'bad' : item.op === 'create' ? 'good' : 'accent'}>{item.op}d</Tag>}
              isOpen
            >
              <p className={css.rowText}>
                As it is now: <ResourceLink of={item} />
              </p>
              {item.op === 'update' ? (
                <Fields fields={item.fields} />
              ) : (
                <DocumentDiff
                  before={item.op === 'delete' ? item.manifest : undefined}
                  after={item.op === 'create' ? item.manifest : undefined}
                />
              )}
            </Fold>
          ))
        )}
      </Panel>
    </>
  );
}

const STATES: Readonly<Record<StagedView['state'], string>> = {
  queued: 'waits for another trial to end',
  canary: 'some proxies have it',
  held: 'held: somebody has to decide',
  watched: 'everybody has it, and it is watched',
  done: 'everybody has it for good',
  reverted: 'was taken back',
  failed: 'failed',
};

const Trial = ({ id, state, waves, wave, members, reason, confirmWithinSeconds, seen, change }: StagedView) => (
  <Panel title="On trial" note={STATES[state]} end={<Tag tone={toneOf(state)}>{state}</Tag>}>
    <div style={{ display: 'grid', gap: 14 }}>
      {waves.length > 0 && <Waves waves={waves} wave={wave} state={state} />}
      {reason && <p className={css.problemText}>{reason}</p>}
      {confirmWithinSeconds !== undefined && state === 'watched' && (
        <p className={css.problemText}>It is taken back in {confirmWithinSeconds} s unless somebody confirms it.</p>
      )}
      {seen && seen.given > 0 && <DeliveryWeave acked={seen.acked} total={seen.given} refused={0} />}
      {members.length > 0 && (
        <div className={css.chips}>
          {members.slice(0, 40).map((member) => (
            <Link key={member} href={`/proxies/${member}`} className={css.chip}>
              {member}
            </Link>
          ))}
          {members.length > 40 && <span className={css.rowText}>and {members.length - 40} more</span>}
        </div>
      )}
      {change && (
        <p className={css.problemText}>
          It became{' '}
          <Link href={`/changes/${change}`} className={css.link}>
            {change}
          </Link>
          .
        </p>
      )}
      <TrialActions id={id} state={state} confirmLeft={confirmWithinSeconds} />
    </div>
  </Panel>
);

/** A node `default/shop/web/web-1` as its proxy is called. */
const proxyOf = (node: string): string => {
  const [, namespace = '', , instance = node] = node.split('/');
  return `${namespace}/${instance}`;
};

function Progress({ delivery }: { readonly delivery: Delivery & { readonly hidden?: number } }) {
  const { state, acked, total, refusing, refused, behind, elapsedMs, replicas } = delivery;
  const numbers = { acked, total, refused: refusing };
  return (
    <Panel
      title="Delivery"
      note={
        total > 0
          ? `${deliveryWords(state, numbers)}${elapsedMs > 0 ? `, after ${Math.round(elapsedMs)} ms` : ''}`
          : deliveryWords(state, numbers)
      }
      end={
        <span role="status">
          <Tag tone={toneOf(state)}>{state}</Tag>
        </span>
      }
      flush
    >
      <div className={css.panelBody}>
        <DeliveryWeave {...numbers} big />
        {replicas.length > 1 && (
          <p className={css.rowText} style={{ marginBottom: 0 }}>
            {replicas.map(({ replica, acked: a, total: t }) => `${replica}: ${a} of ${t}`).join(', ')}
          </p>
        )}
      </div>
      {(refused.length > 0 || behind.length > 0) && (
        <Rows label="Who does not have it">
          {refused.map(({ proxy, type, name, message }) => (
            <Row
              key={`${proxy}${type}${name}`}
              href={`/proxies/${proxyOf(proxy)}`}
              title={<Mono>{proxyOf(proxy)}</Mono>}
              text={
                <>
                  {type} {name}: <q>{message}</q>
                </>
              }
              end={<Tag tone="bad">refused</Tag>}
            />
          ))}
          {behind.map(({ proxy, sinceMs }) => (
            <Row
              key={proxy}
              href={`/proxies/${proxyOf(proxy)}`}
              title={<Mono>{proxyOf(proxy)}</Mono>}
              text={`has not answered for ${Math.round(sinceMs / 1000)} s`}
              end={<Tag tone="warn">behind</Tag>}
            />
          ))}
        </Rows>
      )}
      {delivery.hidden !== undefined && (
        <p className={css.panelBody}>{counted(delivery.hidden, 'more')} that you may not see.</p>
      )}
    </Panel>
  );
}
