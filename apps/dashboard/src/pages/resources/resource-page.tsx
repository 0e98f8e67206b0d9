import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Pencil, Trash2 } from 'lucide-react';
import { Link, useLocation, useParams } from 'wouter';
import type { PolicyExplanationView } from '#libs/api/views';
import { get, post } from '../../api/client';
import { manifestOf } from '../../api/manifest';
import { historyOf, openApi, resourceAt } from '../../api/queries';
import type { Plan } from '../../api/types';
import { useMesh } from '../../session/session';
import { Dialog } from '../../ui/dialog';
import { Document } from '../../ui/diff';
import { Labels } from '../../ui/labels';
import { Fact, Facts, Page, Panel, Row, Rows } from '../../ui/page';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, ProblemView } from '../../ui/states';
import { toneOf } from '../../ui/tone';
import css from '../../ui/ui.module.css';
import { type Kind, kindsOf, onePath } from './kinds';

interface Place {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One resource: as it is written, whether it is in force, and what became of it. */
export function ResourcePage() {
  const { kind: kindName, namespace, name } = useParams<{ kind: string; namespace: string; name: string }>();
  const { may } = useMesh();
  const description = useQuery(openApi());
  const kind = description.data && kindsOf(description.data).find((one) => one.kind === kindName);
  const place = { kind: kindName, namespace: namespace === '-' ? '' : namespace, name };
  return (
    <Page
      title={name}
      lead={
        <>
          {kindName}{' '}
          {place.namespace && (
            <>
              in namespace <Mono>{place.namespace}</Mono>
            </>
          )}
        </>
      }
      crumbs={[
        { text: 'Resources', href: '/resources' },
        { text: kindName, href: `/resources/${kindName}` },
      ]}
      actions={
        may(kindName) && (
          <>
            {kindName !== 'Mesh' && <Delete {...place} />}
            <Button
              component={Link}
              href={`/resources/${kindName}/${namespace}/${name}/edit`}
              leftSection={<Pencil size={15} />}
            >
              Edit
            </Button>
          </>
        )
      }
    >
      {kind && <Content kind={kind} place={place} />}
    </Page>
  );
}

function Content({ kind, place }: { readonly kind: Kind; readonly place: Place }) {
  const { name: mesh } = useMesh();
  const { namespace, name } = place;
  const resource = useQuery(resourceAt(mesh, onePath(mesh, kind, namespace, name)));
  return (
    <Asked of={resource}>
      {(data) => (
        <div className={css.grid2}>
          <div className={css.column}>
            <Panel title="As it is written">
              <Document value={manifestOf(data)} />
            </Panel>
          </div>
          <div className={css.column}>
            <Panel title="At a glance">
              <Facts>
                <Fact name="Written">
                  <Link href={`/changes/c-${data.metadata.revision}`} className={css.link}>
                    c-{data.metadata.revision}
                  </Link>
                  , <Time at={data.metadata.updatedAt} />
                </Fact>
                <Fact name="Version">{data.metadata.version}</Fact>
                <Fact name="Labels">
                  <Labels labels={data.metadata.labels ?? {}} />
                </Fact>
              </Facts>
            </Panel>
            <Panel title="Is it in force?" flush>
              <Rows label="Conditions">
                {data.status.conditions.map(({ type, status, reason, message }) => (
                  <Row
                    key={type}
                    title={type}
                    text={message || reason}
                    end={<Tag tone={toneOf(status)}>{status === 'True' ? 'yes' : 'no'}</Tag>}
                  />
                ))}
              </Rows>
            </Panel>
            {(kind.kind.endsWith('Policy') || kind.kind === 'Telemetry') && <Effect {...place} />}
            <Past {...place} />
          </div>
        </div>
      )}
    </Asked>
  );
}

/** What would be otherwise without it. */
function Effect(place: Place) {
  const { name: mesh } = useMesh();
  const query = new URLSearchParams({ ...place }).toString();
  const effect = useQuery({
    queryKey: ['mesh', mesh, 'effect', query],
    queryFn: ({ signal }) => get<PolicyExplanationView>(`/api/v1/meshes/${mesh}/explain/policy?${query}`, signal),
  });
  return (
    <Panel title="What it does" flush>
      <Asked of={effect}>
        {({ resources, proxies, scraped, total, loses }) => (
          <>
            <div className={css.panelBody}>
              Without it, {counted(resources.length, 'Envoy resource')} of {proxies.length} of{' '}
              {counted(total, 'proxy', 'proxies')} would be otherwise
              {scraped.length > 0 && <>, and what Prometheus reads of {counted(scraped.length, 'proxy', 'proxies')}</>}.
            </div>
            {loses.length > 0 && (
              <Rows label="What it sets in vain">
                {loses.map(({ place: at, field, from }) => (
                  <Row
                    key={at + field}
                    title={<Mono>{field || at}</Mono>}
                    text={`in vain for ${at}: ${from.kind} ${from.namespace}/${from.name} wins`}
                    end={<Tag tone="warn">loses</Tag>}
                  />
                ))}
              </Rows>
            )}
          </>
        )}
      </Asked>
    </Panel>
  );
}

function Past({ kind, namespace, name }: Place) {
  const { name: mesh } = useMesh();
  const of = `&limit=10&kind=${kind}&name=${name}${namespace === '' ? '' : `&namespace=${namespace}`}`;
  const past = useQuery(historyOf(mesh, of));
  return (
    <Panel title="Changes of it" flush>
      <Asked of={past}>
        {(entries) => (
          <Rows label="Changes of it">
            {entries.map(({ change, message, actor, at }) => (
              <Row
                key={change}
                href={`/changes/${change}`}
                title={message || change}
                text={`${change} by ${actor}`}
                end={<Time at={at} />}
              />
            ))}
          </Rows>
        )}
      </Asked>
    </Panel>
  );
}

function Delete(place: Place) {
  const { name: mesh } = useMesh();
  const [, go] = useLocation();
  const [isOpen, { open, close }] = useDisclosure(false);
  const planning = useMutation({
    mutationFn: () =>
      post<Plan>(`/api/v1/meshes/${mesh}/plan`, { deletes: [place], message: `Delete ${place.kind} ${place.name}` }),
    onSuccess: ({ id }) => go(`/plans/${id}`),
  });
  return (
    <>
      <Button variant="default" leftSection={<Trash2 size={15} />} onClick={open}>
        Delete
      </Button>
      <Dialog opened={isOpen} onClose={close} title={`Delete ${place.kind} ${place.name}`}>
        <p className={css.problemText}>Its deletion is planned first: you see who notices before anything is done.</p>
        {planning.error && <ProblemView error={planning.error} />}
        <div className={css.actions} style={{ marginTop: 18, justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button loading={planning.isPending} onClick={() => planning.mutate()}>
            Show the plan
          </Button>
        </div>
      </Dialog>
    </>
  );
}
