import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { isProblem } from '../../api/client';
import type { EdgeSignals, InstanceSignals, SignalsOfService } from '../../api/signals';
import { callsOf, signalsOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { attemptsColumn, signalColumns } from '../../signals/columns';
import { failuresHref } from '../../signals/failures-href';
import { concerns } from '../../signals/happenings';
import { Outcomes } from '../../signals/outcomes';
import { RouteTable } from '../../signals/route-table';
import { SignalCharts } from '../../signals/signal-charts';
import { SignalStats } from '../../signals/signal-stats';
import { useHappened } from '../../signals/use-happened';
import { callerWords } from '../../signals/words';
import { Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import { type Range } from '../../ui/range-of';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import ui from '../../ui/ui.module.css';
import { edgeHref } from '../edge/edge-href';

interface TrafficProps {
  readonly namespace: string;
  readonly name: string;
}

/** How the requests to a service fare: over time, by route, by caller, by instance, and what it calls itself. */
export function Traffic({ namespace, name }: TrafficProps) {
  const { name: mesh } = useMesh();
  const range = useRange();
  const service = `${namespace}/${name}`;
  const signals = useQuery(signalsOf(mesh, service, range));
  return (
    <>
      <Panel
        title="Traffic"
        note={signals.data && signals.data.total.count === 0 ? '' : 'as its callers sent it'}
        end={<RangePicker range={range} />}
        flush
      >
        {isProblem(signals.error) && signals.error.status === 404 ? (
          <None service={service} />
        ) : (
          <Asked of={signals}>{(data) => <Charts data={data} service={service} range={range} />}</Asked>
        )}
      </Panel>
      {signals.data && signals.data.total.count > 0 && (
        <Breakdown data={signals.data} service={service} range={range} />
      )}
    </>
  );
}

const None = ({ service }: { readonly service: string }) => (
  <Empty title="No request in this time" command={`heddle top ${service}`}>
    Requests are counted by the sidecars, and are here within 20 seconds. If there are some and nothing shows, look at
    whether the callers have a sidecar: what is called past one is not seen.
  </Empty>
);

interface Shown {
  readonly data: SignalsOfService;
  readonly service: string;
  readonly range: Range;
}

function Charts({ data, service, range }: Shown) {
  const happened = useHappened(range);
  const workloads = workloadsOf(data.instances);
  const names = new Set([service, ...workloads]);
  const touching = happened.items.filter((one) => concerns(one, names));
  if (data.total.count === 0) return <None service={service} />;
  return (
    <>
      <SignalStats of={data.total} incomplete={data.incomplete} />
      <SignalCharts chart={data.chart} happened={touching} />
      <Outcomes of={data.total} range={range} callee={service} />
    </>
  );
}

/** `<namespace>/<workload>` of those that answer. */
const workloadsOf = (instances: readonly InstanceSignals[]): readonly string[] => [
  ...new Set(
    instances
      .map(({ instance }) => instance.split('/'))
      .filter((parts) => parts.length === 3)
      .map(([namespace, workload]) => `${namespace}/${workload}`),
  ),
];

const callerColumns = (service: string, range: Range): readonly Column<EdgeSignals>[] => [
  {
    ...{ head: 'Caller', width: '4fr' },
    cell: ({ caller, others }) =>
      caller === 'others' ? (
        `${others ?? 0} that you may not see`
      ) : (
        <Name href={`${edgeHref(caller, service)}?${range.search}`} name={callerWords(caller)} />
      ),
  },
  ...signalColumns<EdgeSignals>((row) => row),
  attemptsColumn<EdgeSignals>((row) => row),
];

const calleeColumns = (range: Range): readonly Column<EdgeSignals>[] => [
  {
    ...{ head: 'Calls', width: '4fr' },
    cell: ({ caller, callee, others }) =>
      callee === 'others' ? (
        `${others ?? 0} that you may not see`
      ) : (
        <Name href={`${edgeHref(caller, callee)}?${range.search}`} name={callee} under={`from ${caller}`} />
      ),
  },
  ...signalColumns<EdgeSignals>((row) => row),
  attemptsColumn<EdgeSignals>((row) => row),
];

/** `/proxies/shop/orders-1` of `shop/orders/orders-1`; an address has no page. */
const instanceCell = ({ instance, version, zone }: InstanceSignals) => {
  const [namespace = '', , name] = instance.split('/');
  const under = [version && `version ${version}`, zone && `zone ${zone}`].filter(Boolean).join(', ');
  if (name === undefined) return <span>{instance === '' ? 'none was chosen' : instance}</span>;
  return <Name href={`/proxies/${namespace}/${name}`} name={name} under={under || namespace} />;
};

const INSTANCES: readonly Column<InstanceSignals>[] = [
  { head: 'Instance', width: '4fr', cell: instanceCell },
  ...signalColumns<InstanceSignals>((row) => row),
];

const MOST_WORKLOADS = 4;

function Breakdown({ data, service, range }: Shown) {
  const { name: mesh } = useMesh();
  const workloads = workloadsOf(data.instances).slice(0, MOST_WORKLOADS);
  const asked = useQueries({ queries: workloads.map((caller) => callsOf(mesh, caller, range)) });
  const calls = asked.flatMap((one) => one.data?.items ?? []);
  return (
    <Panel
      title="By what"
      flush
      end={
        <Link className={ui.link} href={failuresHref({ callee: service }, range)}>
          Its failures
        </Link>
      }
    >
      <Tabs
        label="By what"
        tabs={[
          {
            ...{ name: 'routes', title: 'Routes', count: data.routes.length },
            content: () => <RouteTable routes={data.routes} service={service} range={range} />,
          },
          {
            ...{ name: 'callers', title: 'Callers', count: data.callers.length },
            content: () => (
              <Table
                label="By caller"
                columns={callerColumns(service, range)}
                rows={data.callers}
                keyOf={({ caller }) => caller}
              />
            ),
          },
          {
            ...{ name: 'instances', title: 'Instances', count: data.instances.length },
            content: () => (
              <Table
                label="Attempts by instance"
                columns={INSTANCES}
                rows={data.instances}
                keyOf={(row) => `${row.instance} ${row.version} ${row.zone}`}
              />
            ),
          },
          {
            ...{ name: 'calls', title: 'What it calls', count: calls.length },
            content: () =>
              calls.length === 0 ? (
                <Empty title="It calls nothing in this time">
                  What its workloads ask of other services of the mesh is listed here.
                </Empty>
              ) : (
                <Table
                  label="What it calls"
                  columns={calleeColumns(range)}
                  rows={calls}
                  keyOf={({ caller, callee }) => `${caller} ${callee}`}
                />
              ),
          },
        ]}
      />
    </Panel>
  );
}
