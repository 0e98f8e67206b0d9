import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { Link, useParams } from 'wouter';
import { historyOf, serviceOf } from '../../api/queries';
import type { Concerning, InstanceView, PortAccess, Ref, ServiceDetail } from '../../api/views';
import { useMesh } from '../../session/session';
import { Document } from '../../ui/diff';
import { Fold } from '../../ui/fold';
import { Labels } from '../../ui/labels';
import { Fact, Facts, Page, Panel, Row, Rows } from '../../ui/page';
import { hrefOf, idOf } from '../../ui/resource';
import { counted, Mono, Tag, Time, Weave } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import css from '../../ui/ui.module.css';
import { instanceStrands, keyOf } from '../services/services-page';
import { Traffic } from './traffic';

/** A service: its instances, who calls it, and every route and policy that has to do with it. */
export function ServicePage() {
  const { name: mesh } = useMesh();
  const { namespace, name } = useParams<{ namespace: string; name: string }>();
  const service = useQuery(serviceOf(mesh, namespace, name));
  return (
    <Page
      title={name}
      crumbs={[{ text: 'Services', href: '/services' }]}
      lead={
        <>
          in namespace <Mono>{namespace}</Mono>
        </>
      }
      actions={
        service.data?.service.mine && (
          <Button
            component={Link}
            href={`/resources/Service/${namespace}/${name}/edit`}
            variant="default"
            leftSection={<Pencil size={15} />}
          >
            Edit
          </Button>
        )
      }
    >
      <Traffic namespace={namespace} name={name} />
      <Asked of={service}>{(data) => <Content {...data} />}</Asked>
    </Page>
  );
}

function Content({ service, manifest, instances, routes, policies, callers, callees, access }: ServiceDetail) {
  return (
    <>
      <div className={css.grid2}>
        <div className={css.column}>
          <Panel title="Instances" note={counted(instances.length, 'instance')} flush>
            {instances.length === 0 ? (
              <Empty
                title="Nothing serves it"
                command={`heddle proxy run --workload ${service.name} -n ${service.namespace}`}
              >
                No instance of this namespace carries the labels that the service selects. Calls to it fail with 503.
              </Empty>
            ) : (
              <Table label="Instances" columns={INSTANCE_COLUMNS} rows={instances} keyOf={keyOf} />
            )}
          </Panel>
          <Concerns title="Routes" items={routes} command={`heddle apply -f route.yaml`}>
            Requests go to all ready instances alike. A route sends them elsewhere by path, header or weight.
          </Concerns>
          <Concerns title="Policies" items={policies} command="heddle get retrypolicies">
            Nothing but the defaults: retries of what may be retried, mutual TLS.
          </Concerns>
          <Past namespace={service.namespace} name={service.name} />
        </div>
        <div className={css.column}>
          <Panel title="At a glance">
            <Facts>
              <Fact name="Ports">
                <span className={css.chips}>
                  {service.ports.map(({ name, port, protocol }) => (
                    <span key={port} className={css.chip}>{`${name} ${port} ${protocol}`}</span>
                  ))}
                </span>
              </Fact>
              <Fact name="Ready">
                <Weave strands={instanceStrands(service)} />
              </Fact>
              <Fact name="Labels">
                <Labels labels={service.labels} />
              </Fact>
              <Fact name="Written">
                <Link href={`/changes/c-${service.revision}`} className={css.link}>
                  c-{service.revision}
                </Link>
                , <Time at={service.updatedAt} />
              </Fact>
              <Fact name="Who may call">
                <Access access={access} />
              </Fact>
            </Facts>
          </Panel>
          <Neighbours title="Called by" refs={callers} none="No service declares to call it." />
          <Neighbours title="Calls" refs={callees} none="It declares no dependencies." />
        </div>
      </div>
      <Panel title="As it is written" flush>
        <Fold title="YAML">
          <Document value={manifest} />
        </Fold>
      </Panel>
    </>
  );
}

/** Ports of which the same is to be said stand together. */
function Access({ access }: Pick<ServiceDetail, 'access'>) {
  if (access === undefined) return 'not known yet: the control plane that answers has not compiled it';
  const groups = [...Map.groupBy(access, ({ port: _, ...said }) => JSON.stringify(said)).values()];
  return groups.map((ports) => (
    <div key={ports[0]?.port} className={css.chips}>
      {groups.length > 1 && <span>{ports.map(({ port }) => port).join(', ')}:</span>}
      <Callers {...ports[0]} />
    </div>
  ));
}

function Callers({ state, callers = [], policies = 0, hidden = 0 }: Partial<PortAccess>) {
  if (state === 'closed') return 'nobody: a policy cannot be read or compiled';
  if (state === 'open')
    return `every identity of the mesh: ${policies > 0 ? 'policies only deny' : 'no policy in force says otherwise'}`;
  return (
    <>
      {callers.map((one) => (
        <span key={one} className={css.chip}>
          {one}
        </span>
      ))}
      {hidden > 0 &&
        `${callers.length > 0 ? 'and ' : ''}as ${counted(hidden, 'policy', 'policies')} that you may not see ${hidden === 1 ? 'says' : 'say'}`}
      {callers.length === 0 && hidden === 0 && 'nobody'}
    </>
  );
}

const INSTANCE_COLUMNS: readonly Column<InstanceView>[] = [
  {
    head: 'Instance',
    width: '3fr',
    cell: ({ namespace, name, address }) => <Name href={`/proxies/${namespace}/${name}`} name={name} under={address} />,
  },
  {
    head: 'Labels',
    width: '4fr',
    wide: true,
    cell: ({ labels }) => <Labels labels={labels} />,
  },
  { head: 'Zone', width: '80px', wide: true, cell: ({ zone }) => zone || '–' },
  {
    head: 'State',
    width: '120px',
    atEnd: true,
    cell: ({ ready, leaving, connected }) => (
      <Tag tone={leaving ? 'idle' : ready ? 'good' : connected ? 'warn' : 'bad'}>
        {leaving ? 'leaves' : ready ? 'ready' : connected ? 'not ready' : 'away'}
      </Tag>
    ),
  },
];

interface NeighboursProps {
  readonly title: string;
  readonly refs: readonly (Ref & { readonly known?: boolean })[];
  readonly none: string;
}

const Neighbours = ({ title, refs, none }: NeighboursProps) => (
  <Panel title={title} note={refs.length > 0 ? refs.length : ''}>
    {refs.length === 0 ? (
      <p className={css.problemText}>{none}</p>
    ) : (
      <span className={css.chips}>
        {refs.map((ref) =>
          ref.known === false ? (
            <span key={keyOf(ref)} className={css.chip}>{`${keyOf(ref)} (not there)`}</span>
          ) : (
            <Link key={keyOf(ref)} className={css.chip} href={`/services/${keyOf(ref)}`}>
              {keyOf(ref)}
            </Link>
          ),
        )}
      </span>
    )}
  </Panel>
);

const REACH: Readonly<Record<Concerning['reach'], string>> = {
  service: 'names it',
  namespace: 'for the namespace',
  mesh: 'for the mesh',
};

const reachWords = ({ reach, port }: Concerning): string =>
  port === undefined ? REACH[reach] : `names its port ${port}`;

interface ConcernsProps {
  readonly title: string;
  readonly items: readonly Concerning[];
  readonly command: string;
  readonly children: string;
}

const Concerns = ({ title, items, command, children }: ConcernsProps) => (
  <Panel title={title} note={items.length > 0 ? items.length : ''} flush>
    {items.length === 0 ? (
      <Empty title="None" command={command}>
        {children}
      </Empty>
    ) : (
      <Rows label={title}>
        {items.map((one) => (
          <Row
            key={idOf(one)}
            href={hrefOf(one)}
            title={idOf(one)}
            text={one.problem ?? one.says}
            end={one.problem === undefined ? reachWords(one) : <Tag tone="warn">not in force</Tag>}
          />
        ))}
      </Rows>
    )}
  </Panel>
);

function Past({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { name: mesh } = useMesh();
  const past = useQuery(historyOf(mesh, `&limit=10&kind=Service&namespace=${namespace}&name=${name}`));
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
                text={
                  <>
                    {change} by {actor}
                  </>
                }
                end={<Time at={at} />}
              />
            ))}
          </Rows>
        )}
      </Asked>
    </Panel>
  );
}
