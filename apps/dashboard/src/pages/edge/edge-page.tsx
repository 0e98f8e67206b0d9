import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { isProblem } from '../../api/client';
import { callersOf, chartOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { concerns } from '../../signals/happenings';
import { Outcomes } from '../../signals/outcomes';
import { SignalCharts } from '../../signals/signal-charts';
import { SignalStats } from '../../signals/signal-stats';
import { useHappened } from '../../signals/use-happened';
import { callerWords } from '../../signals/words';
import { Page, Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import { Mono, Tag } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { callerOf } from './edge-href';

/** What one workload asks of one service, and how that goes. */
export function EdgePage() {
  const { name: mesh } = useMesh();
  const params = useParams<{ namespace: string; name: string; callerNamespace: string; caller: string }>();
  const service = `${params.namespace}/${params.name}`;
  const caller = callerOf(params.callerNamespace, params.caller);
  const range = useRange();
  const chart = useQuery(chartOf(mesh, { service, caller }, range));
  const edges = useQuery(callersOf(mesh, service, range));
  const happened = useHappened(range);
  const edge = edges.data?.items.find((one) => one.caller === caller);
  const touching = happened.items.filter((one) => concerns(one, new Set([service, caller])));
  const isNone = (edges.data !== undefined && edge === undefined) || isGone(edges.error) || isGone(chart.error);
  return (
    <Page
      title={`${callerWords(caller)} to ${service}`}
      crumbs={[
        { text: 'Map', href: '/map' },
        { text: params.name, href: `/services/${service}` },
      ]}
      lead={<Ends caller={caller} service={service} />}
      actions={
        <Link className={ui.link} href={`/failures?callee=${service}${caller && `&caller=${caller}`}&${range.search}`}>
          Its failures
        </Link>
      }
    >
      <Panel title="Traffic" end={<RangePicker range={range} />} flush>
        {isNone ? (
          <Empty title="No request in this time" command={`heddle map`}>
            Who calls whom is known from the sidecars' reports. Choose a longer time, or look whether the caller has a
            sidecar: what is called past one has no identity.
          </Empty>
        ) : (
          <Asked of={edges}>
            {({ incomplete }) => (
              <>
                {edge && <SignalStats of={edge} incomplete={incomplete} />}
                <Asked of={chart}>{(data) => <SignalCharts chart={data} happened={touching} />}</Asked>
                {edge && <Outcomes of={edge} range={range} callee={service} {...(caller ? { caller } : {})} />}
              </>
            )}
          </Asked>
        )}
      </Panel>
    </Page>
  );
}

const isGone = (error: unknown): boolean => isProblem(error) && error.status === 404;

function Ends({ caller, service }: { readonly caller: string; readonly service: string }) {
  return (
    <>
      {caller === '' ? (
        <Tag tone="warn">no verified identity: plaintext, or a certificate that was not accepted</Tag>
      ) : (
        <>
          <Mono>{caller}</Mono> <Tag tone="good">verified identity, mutual TLS</Tag>
        </>
      )}{' '}
      calls{' '}
      <Link href={`/services/${service}`} className={ui.link}>
        {service}
      </Link>
    </>
  );
}
