import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { patternsOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { serviceName } from '../../signals/words';
import { Panel } from '../../ui/page';
import { rangeOf } from '../../ui/range-of';
import { Empty, ProblemView } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { inOrder, PatternRows } from './pattern-rows';

const HOUR = rangeOf(new URLSearchParams(), '1h');
const SHOWN = 5;

interface PatternsPanelProps {
  /** Only what has to do with these, `<namespace>/<name>`; absent = all. */
  readonly services?: readonly string[];
}

/** What failures have in common, of the last hour: for a home. */
export function PatternsPanel({ services }: PatternsPanelProps) {
  const { name: mesh } = useMesh();
  const patterns = useQuery(patternsOf(mesh, HOUR));
  const own = services && new Set(services);
  const items = (patterns.data?.items ?? []).filter(
    ({ scope, upstream }) =>
      own === undefined || [...scope.callees, ...upstream].some((callee) => own.has(serviceName(callee))),
  );
  return (
    <Panel
      title="Patterns of failures"
      note="in the last hour"
      flush
      end={
        <Link href="/patterns" className={ui.link}>
          All
        </Link>
      }
    >
      {patterns.error ? (
        <ProblemView error={patterns.error} />
      ) : items.length === 0 ? (
        <Empty title="Nothing fails in a way that has a name">
          When failures have something in common, it is named here, with what may have brought it about.
        </Empty>
      ) : (
        <PatternRows patterns={inOrder(items).slice(0, SHOWN)} />
      )}
    </Panel>
  );
}
