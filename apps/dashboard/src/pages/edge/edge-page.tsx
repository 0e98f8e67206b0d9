import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { isProblem } from '../../api/client';
import type { SignalsOfEdge } from '../../api/signals';
import { edgeOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { failuresHref } from '../../signals/failures-href';
import { concerns } from '../../signals/happenings';
import { Outcomes } from '../../signals/outcomes';
import { isRouted, RouteTable } from '../../signals/route-table';
import { SignalCharts } from '../../signals/signal-charts';
import { SignalStats } from '../../signals/signal-stats';
import { useHappened } from '../../signals/use-happened';
import { Page, Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import type { Range } from '../../ui/range-of';
import { counted, Mono, Tag } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { callerOf } from './edge-href';

/** What one workload asks of one service, and how that goes: over time, and by route. */
export function EdgePage() {
  const { name: mesh } = useMesh();
  const params = useParams<{ namespace: string; name: string; callerNamespace: string; caller: string }>();
  const service = `${params.namespace}/${params.name}`;
  const caller = callerOf(params.callerNamespace, params.caller);
  const range = useRange();
  const edge = useQuery(edgeOf(mesh, caller, service, range));
  return (
    <Page
      title={`${caller === '' ? 'Callers without an identity' : caller} to ${service}`}
      crumbs={[
        { text: 'Map', href: '/map' },
        { text: params.name, href: `/services/${service}` },
      ]}
      lead={<Ends caller={caller} service={service} />}
      actions={
        <Link className={ui.link} href={failuresHref({ callee: service, caller }, range)}>
          Its failures
        </Link>
      }
    >
      <Panel title="Traffic" end={<RangePicker range={range} />} flush>
        {isGone(edge.error) ? (
          <Empty title="Nothing that you may see">
            There is no such caller or service, or you may not see both of them: the right to read the service, and
            proxies where the caller is.
          </Empty>
        ) : (
          <Asked of={edge}>{(data) => <Traffic of={data} range={range} />}</Asked>
        )}
      </Panel>
      {edge.data && edge.data.routes.length > 0 && <Routes of={edge.data} range={range} />}
    </Page>
  );
}

interface Shown {
  readonly of: SignalsOfEdge;
  readonly range: Range;
}

function Traffic({ of, range }: Shown) {
  const { caller, callee, total, chart, incomplete } = of;
  const happened = useHappened(range);
  const touching = happened.items.filter((one) => concerns(one, new Set([callee, caller])));
  if (total.count === 0)
    return (
      <Empty title="No request in this time" command={`heddle top ${callee} --caller ${caller || '-'}`}>
        Who calls whom is known from the sidecars' reports. Choose a longer time, or look whether the caller has a
        sidecar: what is called past one has no identity.
      </Empty>
    );
  return (
    <>
      <SignalStats of={total} incomplete={incomplete} />
      <SignalCharts chart={chart} happened={touching} />
      <Outcomes of={total} range={range} callee={callee} caller={caller} />
    </>
  );
}

function Routes({ of: { caller, callee, routes, more }, range }: Shown) {
  const note = `${counted(routes.length, 'route')}${more > 0 ? ` of ${routes.length + more}` : ''}, what fails most first`;
  return (
    <Panel title="By route" note={note} flush>
      <RouteTable routes={routes} service={callee} caller={caller} range={range} />
      {!isRouted(routes) && (
        <Empty title="No route of yours tells these requests apart" command="heddle apply -f route.yaml">
          They go to all ready instances alike. An HTTPRoute or GRPCRoute that names the service tells them apart by
          path, header or method; each of its rules is then a line here, with what fails by it.
        </Empty>
      )}
    </Panel>
  );
}

const isGone = (error: unknown): boolean => isProblem(error) && error.status === 404;

function Ends({ caller, service }: { readonly caller: string; readonly service: string }) {
  return (
    <>
      {caller === '' ? (
        <>
          <Tag tone="warn">no verified identity</Tag> (plaintext, or a certificate that was not accepted)
        </>
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
