import { useQuery } from '@tanstack/react-query';
import { Link, useSearchParams } from 'wouter';
import { chartOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import type { Happened, MarkKind } from '../../signals/happenings';
import { SignalCharts } from '../../signals/signal-charts';
import { useHappened } from '../../signals/use-happened';
import { clockWords } from '../../ui/clock';
import { Page, Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import { counted, Tag, When } from '../../ui/signs';
import { Asked, Empty, Loading, ProblemView } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import ui from '../../ui/ui.module.css';
import css from './timeline.module.css';

/** A step for each, so that a look at the whole mesh stays a small one. */
const STEPS = 90;

const KINDS: readonly (readonly [MarkKind, string])[] = [
  ['change', 'Changes'],
  ['refusal', 'Refusals'],
  ['rotation', 'Rotations'],
  ['instance', 'Instances'],
  ['alert', 'Alerts'],
  ['pattern', 'Patterns'],
];

/** Everything that happened, over the traffic of the mesh. */
export function TimelinePage() {
  const { name: mesh } = useMesh();
  const range = useRange();
  const [params] = useSearchParams();
  const chart = useQuery(chartOf(mesh, { steps: STEPS }, range));
  const happened = useHappened(range);
  const left = params.get('without')?.split(',') ?? [];
  const shown = happened.items.filter(({ kind }) => !left.includes(kind));
  return (
    <Page
      title="Timeline"
      lead="Changes, refusals, rotations, instances that come and go, alerts and patterns, over the traffic of the services that you may read."
    >
      <Panel title="Traffic" end={<RangePicker range={range} />} flush>
        <Asked of={chart}>{(data) => <SignalCharts chart={data} happened={shown} isBrief />}</Asked>
      </Panel>
      <Panel
        title="What happened"
        note={happened.hidden > 0 ? `and ${happened.hidden} that you may not see` : counted(shown.length, 'event')}
        flush
      >
        <Kinds items={happened.items} left={left} />
        {happened.error ? (
          <ProblemView error={happened.error} />
        ) : happened.isPending ? (
          <Loading />
        ) : shown.length === 0 ? (
          <Empty title="Nothing happened in this time" command="heddle history">
            Every change of the configuration, every refusal by an Envoy, every new certificate of an authority, and
            every instance that comes or goes is listed here, with what the traffic did at the time.
          </Empty>
        ) : (
          <Table
            label="What happened"
            columns={COLUMNS}
            rows={shown.toReversed()}
            keyOf={({ kind, id, at }) => `${kind} ${id} ${at}`}
          />
        )}
      </Panel>
    </Page>
  );
}

interface KindsProps {
  readonly items: readonly Happened[];
  readonly left: readonly string[];
}

/** Which kinds are shown; the address holds which are not. */
function Kinds({ items, left }: KindsProps) {
  const [, setParams] = useSearchParams();
  const turn = (kind: MarkKind): void =>
    setParams(
      (before) => {
        const next = left.includes(kind) ? left.filter((one) => one !== kind) : [...left, kind];
        if (next.length === 0) before.delete('without');
        else before.set('without', next.join(','));
        return before;
      },
      { replace: true },
    );
  return (
    <fieldset className={css.kinds}>
      <legend className="unseen">Show</legend>
      {KINDS.map(([kind, title]) => (
        <button
          key={kind}
          type="button"
          className={css.kind}
          aria-pressed={!left.includes(kind)}
          onClick={() => turn(kind)}
        >
          {title} <span className={css.count}>{items.filter((one) => one.kind === kind).length}</span>
        </button>
      ))}
    </fieldset>
  );
}

const COLUMNS: readonly Column<Happened>[] = [
  {
    head: 'What',
    width: '5fr',
    cell: ({ href, title, touches, at }) => (
      <Name
        href={href}
        name={title}
        under={
          <>
            <span className={ui.narrow}>{clockWords(new Date(at).toISOString(), Date.now())} · </span>
            {touches.length === 0 ? 'the whole mesh' : touches.slice(0, 4).join(', ')}
          </>
        }
      />
    ),
  },
  {
    head: 'Kind',
    width: '170px',
    cell: ({ tone, what }) => <Tag tone={tone}>{what}</Tag>,
  },
  {
    head: 'When',
    width: '110px',
    atEnd: true,
    wide: true,
    cell: ({ at }) => <When at={new Date(at).toISOString()} />,
  },
  {
    head: 'Around it',
    width: '92px',
    atEnd: true,
    wide: true,
    cell: ({ at }) => (
      <Link className={ui.link} href={aroundHref(at)} aria-label={`Around ${new Date(at).toISOString()}`}>
        Around
      </Link>
    ),
  },
];

const AROUND_MS = 5 * 60_000;

function aroundHref(at: number): string {
  const [from, to] = [at - AROUND_MS, at + AROUND_MS].map((one) => encodeURIComponent(new Date(one).toISOString()));
  return `/timeline?from=${from}&to=${to}`;
}
