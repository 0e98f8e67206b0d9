import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { SearchIcon } from 'lucide-react';
import { useState } from 'react';
import { Link, useParams, useSearchParams } from 'wouter';
import type { ProxyResourcesView } from '#libs/api/views';
import type { EnvoyResource } from '#libs/changes';
import { get } from '../../api/client';
import { proxiesOf } from '../../api/queries';
import type { ProxyStatus } from '../../api/types';
import { useMesh } from '../../session/session';
import { Fact, Facts, Page, Panel, Row, Rows } from '../../ui/page';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { toneOf } from '../../ui/tone';
import ui from '../../ui/ui.module.css';
import { refusedOf, stateOf } from '../proxies/proxies-page';
import { Explanation } from './explanation';
import css from './proxy.module.css';

const TYPES: Readonly<Record<string, string>> = {
  CDS: 'Clusters',
  EDS: 'Endpoints',
  LDS: 'Listeners',
  SRDS: 'Scoped routes',
  RDS: 'Routes',
  SDS: 'Secrets',
};

/** A proxy: how it is, what it has, and why it has it. */
export function ProxyPage() {
  const { name: mesh } = useMesh();
  const { namespace, name } = useParams<{ namespace: string; name: string }>();
  const proxies = useQuery(proxiesOf(mesh));
  const proxy = proxies.data?.find((one) => one.namespace === namespace && one.instance === name);
  return (
    <Page
      title={name}
      crumbs={[{ text: 'Proxies', href: '/proxies' }]}
      lead={
        proxy && (
          <>
            <Tag tone={stateOf(proxy).tone}>{stateOf(proxy).words}</Tag> in namespace <Mono>{namespace}</Mono>, workload{' '}
            <Mono>{proxy.workload}</Mono>
          </>
        )
      }
    >
      <Asked of={proxies}>
        {() =>
          proxy ? (
            <>
              <Refused proxy={proxy} />
              <div className={ui.grid2}>
                <Sync proxy={proxy} />
                <About proxy={proxy} />
              </div>
              <Configuration namespace={namespace} name={name} />
            </>
          ) : (
            <Panel title="Not here">
              <Empty title="No such proxy is registered" command={`heddle explain ${name} -n ${namespace} --at -1h`}>
                It may have left. What it was running at a time is kept for 30 days.
              </Empty>
            </Panel>
          )
        }
      </Asked>
    </Page>
  );
}

function Refused({ proxy }: { readonly proxy: ProxyStatus }) {
  const refused = refusedOf(proxy);
  if (refused.length === 0) return null;
  return (
    <Panel title="It refuses" note="and goes on with what it had before" flush>
      <Rows label="What it refuses">
        {refused.map(({ type, name, message }) => (
          <Row
            key={type + name}
            title={<Mono>{`${type} ${name}`}</Mono>}
            text={<q>{message}</q>}
            end={<Tag tone="bad">refused</Tag>}
          />
        ))}
      </Rows>
    </Panel>
  );
}

const Sync = ({ proxy }: { readonly proxy: ProxyStatus }) => (
  <Panel title="What it has confirmed" flush>
    {proxy.types.length === 0 ? (
      <Empty title="Nothing yet">It has no stream open on any replica.</Empty>
    ) : (
      <Rows label="By type">
        {proxy.types.map(({ type, state, resources, ackedRevision, behindMs }) => (
          <Row
            key={type}
            title={TYPES[type] ?? type}
            text={`${counted(resources, 'resource')}, revision ${ackedRevision}${behindMs > 0 ? `, behind for ${Math.round(behindMs / 1000)} s` : ''}`}
            end={
              <Tag tone={toneOf(state)}>
                {state === 'ACKED' ? 'up to date' : state === 'PENDING' ? 'on the way' : 'refused'}
              </Tag>
            }
          />
        ))}
      </Rows>
    )}
  </Panel>
);

const About = ({ proxy }: { readonly proxy: ProxyStatus }) => (
  <Panel title="About it">
    <Facts>
      <Fact name="Envoy">{proxy.envoyVersion || 'never connected'}</Fact>
      <Fact name="Connected">{proxy.connectedSince ? <Time at={proxy.connectedSince} /> : 'not now'}</Fact>
      <Fact name="Serves traffic">{proxy.routable ? 'yes' : 'no'}</Fact>
      <Fact name="Certificate ends">
        {proxy.certificateNotAfter ? <Time at={proxy.certificateNotAfter} /> : 'it has none'}
      </Fact>
      <Fact name="Token ends">
        {proxy.tokenDaysLeft === undefined ? 'not known here' : `in ${Math.floor(proxy.tokenDaysLeft)} days`}
      </Fact>
    </Facts>
  </Panel>
);

function Configuration({ namespace, name }: { readonly namespace: string; readonly name: string }) {
  const { name: mesh } = useMesh();
  const [params] = useSearchParams();
  const [text, setText] = useState('');
  const type = params.get('type') ?? '';
  const resource = params.get('resource') ?? '';
  const query = new URLSearchParams({ namespace, name }).toString();
  const found = useQuery({
    queryKey: ['mesh', mesh, 'explain', query],
    queryFn: ({ signal }) => get<ProxyResourcesView>(`/api/v1/meshes/${mesh}/explain/resources?${query}`, signal),
  });
  return (
    <Asked of={found}>
      {({ resources, hidden, trial }) => (
        <Panel
          title="Its configuration"
          note={`${counted(resources.length, 'Envoy resource')}${hidden > 0 ? `, and ${hidden} that you may not see` : ''}`}
          end={trial && <Tag tone="accent">{`given ${trial} before others`}</Tag>}
          flush
        >
          <div className={ui.toolbar}>
            <TextInput
              aria-label="Filter Envoy resources"
              placeholder="Filter by name"
              leftSection={<SearchIcon size={15} />}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
          </div>
          <div className={css.split}>
            <ResourceList
              resources={resources.filter((one) => one.name.includes(text))}
              chosen={`${type} ${resource}`}
              href={`/proxies/${namespace}/${name}`}
            />
            <div className={css.detail}>
              {resource === '' ? (
                <Empty title="Why does it have this?">
                  Choose a resource: you see what it was made from, down to who wrote it in which change.
                </Empty>
              ) : (
                <Explanation namespace={namespace} name={name} type={type} resource={resource} />
              )}
            </div>
          </div>
        </Panel>
      )}
    </Asked>
  );
}

interface ListProps {
  readonly resources: readonly EnvoyResource[];
  /** Type and name. */
  readonly chosen: string;
  /** Of the page. */
  readonly href: string;
}

function ResourceList({ resources, chosen, href }: ListProps) {
  return (
    <nav className={css.list} aria-label="Envoy resources">
      {[...Map.groupBy(resources, ({ type }) => type)].map(([type, list]) => (
        <div key={type}>
          <div className={css.type}>{`${TYPES[type] ?? type} (${list.length})`}</div>
          {list.map(({ name }) => (
            <Link
              key={name}
              className={css.item}
              href={`${href}?${new URLSearchParams({ type, resource: name }).toString()}`}
              aria-current={chosen === `${type} ${name}` ? 'true' : undefined}
            >
              {name}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  );
}
