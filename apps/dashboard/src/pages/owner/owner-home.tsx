import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { viewOf } from '../../api/queries';
import type { ServiceSignals } from '../../api/signals';
import { serviceSignals } from '../../api/telemetry';
import type { OwnerHome as Home, ServiceRow, TouchingChange } from '../../api/views';
import { HOMES, useMesh } from '../../session/session';
import { signalColumns } from '../../signals/columns';
import { Page, Panel, Row, Rows, Stats } from '../../ui/page';
import { rangeOf } from '../../ui/range-of';
import { counted, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import css from '../../ui/ui.module.css';
import { AlertsPanel } from '../alerts/alerts-panel';
import { FailuresPanel } from '../failures/failures-panel';
import { PatternsPanel } from '../patterns/patterns-panel';
import { keyOf, SERVICE_COLUMNS } from '../services/services-page';

/** The home of who owns services. */
export function OwnerHome() {
  const { name: mesh } = useMesh();
  const home = useQuery(viewOf(mesh, 'owner'));
  return (
    <Page title={HOMES.owner.title} lead={HOMES.owner.lead}>
      <Asked of={home}>{(data) => <Content {...data} />}</Asked>
    </Page>
  );
}

const isDown = ({ total, ready }: ServiceRow): boolean => ready === 0 && total > 0;

const RECENT = rangeOf(new URLSearchParams(), '15m');

function Content({ services, callers, isReader, changes }: Home) {
  const { name: mesh } = useMesh();
  const signals = useQuery(serviceSignals(mesh, RECENT));
  const known = new Map((signals.data?.items ?? []).map((one) => [keyOf(one), one]));
  const names = services.map(keyOf);
  const unready = services.filter(({ total, ready }) => ready < total);
  const empty = services.filter(({ total }) => total === 0);
  return (
    <>
      <Stats
        items={[
          { label: 'Services', value: services.length, note: isReader ? 'that you may read' : 'that you may change' },
          {
            ...{ label: 'All instances ready', value: services.length - unready.length - empty.length },
            tone: 'good',
          },
          {
            ...{ label: 'Not all ready', value: unready.length, href: '/services?show=unready' },
            ...(services.some(isDown) ? { note: 'some have none at all' } : {}),
            tone: unready.length > 0 ? 'warn' : 'idle',
          },
          { label: 'Without instances', value: empty.length, tone: empty.length > 0 ? 'warn' : 'idle' },
        ]}
      />
      <AlertsPanel />
      <Panel title="Services" note={`${counted(services.length, 'service')}, as of the last 15 minutes`} flush>
        {services.length === 0 ? (
          <Empty title="No service of yours yet" command="heddle apply -f service.yaml">
            Services that you may change are listed here, with who calls them.
          </Empty>
        ) : (
          <Table label="My services" columns={columns(callers, known)} rows={services} keyOf={keyOf} />
        )}
      </Panel>
      <div className={css.grid2}>
        <div className={css.column}>
          <PatternsPanel services={names} />
          <FailuresPanel services={names} />
        </div>
        <div className={css.column}>
          <Panel title="Changes that touched them" flush>
            {changes.length === 0 ? (
              <Empty title="Nothing touched them lately">
                Changes of these services, and of routes and policies about them, show up here as they are made.
              </Empty>
            ) : (
              <Rows label="Changes that touched my services">
                {changes.map((change) => (
                  <Touching key={change.change} {...change} />
                ))}
              </Rows>
            )}
          </Panel>
        </div>
      </div>
    </>
  );
}

function columns(callers: Home['callers'], known: ReadonlyMap<string, ServiceSignals>): readonly Column<ServiceRow>[] {
  const [service, , instances] = SERVICE_COLUMNS;
  const [rate, failing, , p99] = signalColumns<ServiceRow>((row) => known.get(keyOf(row)));
  return [
    ...(service ? [{ ...service, width: '3fr' }] : []),
    ...(instances ? [{ ...instances, width: '130px', wide: true }] : []),
    ...[rate, failing, p99].filter((one) => one !== undefined),
    {
      head: 'Called by',
      width: '3fr',
      wide: true,
      cell: (row) => {
        const names = callers[keyOf(row)] ?? [];
        return names.length === 0 ? (
          <span className={css.rowText}>nobody says so</span>
        ) : (
          <span className={css.chips}>
            {names.slice(0, 3).map((name) => (
              <Link key={name} className={css.chip} href={`/services/${name}`}>
                {name}
              </Link>
            ))}
            {names.length > 3 && <span className={css.rowText}>and {names.length - 3} more</span>}
          </span>
        );
      },
    },
  ];
}

const MOST = 3;

const Touching = ({ change, at, actor, message, items, touched }: TouchingChange) => (
  <Row
    href={`/changes/${change}`}
    title={message || items[0]}
    text={
      <>
        {change} by {actor}, <Time at={at} />. Touches {touched.slice(0, MOST).join(', ')}
        {touched.length > MOST && ` and ${touched.length - MOST} more`}
      </>
    }
  />
);
