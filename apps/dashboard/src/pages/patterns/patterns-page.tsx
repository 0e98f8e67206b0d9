import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { patternsOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { Page, Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import { Asked, Empty } from '../../ui/states';
import { inOrder, PatternRows } from './pattern-rows';

/** What failures have in common, by name. What goes on comes first, and of that what concerns most. */
export function PatternsPage() {
  const { name: mesh } = useMesh();
  const range = useRange('24h');
  const [params] = useSearchParams();
  const service = params.get('service') ?? '';
  const query = /^[^/]+\/[^/]+$/.test(service) ? `&service=${encodeURIComponent(service)}` : '';
  const patterns = useQuery(patternsOf(mesh, range, query));
  return (
    <Page
      title="Patterns"
      lead={
        service
          ? `What the failures of ${service} have in common, and what came before them.`
          : 'What failures have in common, and what came before them.'
      }
    >
      <Panel
        title="Patterns of failures"
        note={patterns.data && patterns.data.hidden > 0 ? `${patterns.data.hidden} that you may not see` : ''}
        end={<RangePicker range={range} />}
        flush
      >
        <Asked of={patterns}>
          {({ items }) => (items.length === 0 ? <NoPattern /> : <PatternRows patterns={inOrder(items)} />)}
        </Asked>
      </Panel>
    </Page>
  );
}

const NoPattern = () => (
  <Empty title="No pattern in this time" command="heddle patterns --since 24h">
    Every ten seconds the last ten minutes are compared with what was usual before. When failures have something in
    common, such as one instance, one version, or a timeout, it is named here with what may have brought it about.
  </Empty>
);
