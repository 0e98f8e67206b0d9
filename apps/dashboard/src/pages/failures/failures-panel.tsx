import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { failurePage } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { callerWords, outcomeWords, serviceName } from '../../signals/words';
import { Panel, Row, Rows } from '../../ui/page';
import { rangeOf } from '../../ui/range-of';
import { Mono, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';

const HOUR = rangeOf(new URLSearchParams(), '1h');
const LOOK_MS = 10_000;
const SHOWN = 6;

/** The newest requests to these services that failed: for a home. @param services `<namespace>/<name>` */
export function FailuresPanel({ services }: { readonly services: readonly string[] }) {
  const { name: mesh } = useMesh();
  const own = new Set(services);
  const failures = useQuery({
    queryKey: ['mesh', mesh, 'failures', 'newest'],
    queryFn: ({ signal }) => failurePage(mesh, { range: HOUR, filter: new URLSearchParams({ limit: '100' }) }, signal),
    refetchInterval: LOOK_MS,
  });
  return (
    <Panel
      title="Newest failures"
      note="in the last hour"
      flush
      end={
        <Link href="/failures" className={ui.link}>
          All
        </Link>
      }
    >
      <Asked of={failures}>
        {({ items }) => {
          const shown = items.filter(({ callee }) => own.has(serviceName(callee))).slice(0, SHOWN);
          return shown.length === 0 ? (
            <Empty title="None of the newest is of these services" />
          ) : (
            <Rows label="Newest failures">
              {shown.map((one) => (
                <Row
                  key={`${one.at} ${one.requestId} ${one.what} ${one.attempt}`}
                  href={`/failures?callee=${serviceName(one.callee)}&outcome=${one.outcome}`}
                  title={
                    <Mono>
                      {one.method} {one.path}
                    </Mono>
                  }
                  text={`${callerWords(one.caller)} to ${serviceName(one.callee)}: ${outcomeWords(one.outcome)}`}
                  end={<Time at={one.at} />}
                />
              ))}
            </Rows>
          );
        }}
      </Asked>
    </Panel>
  );
}
