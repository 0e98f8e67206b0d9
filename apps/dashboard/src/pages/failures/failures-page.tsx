import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import type { FailureView } from '../../api/signals';
import { failurePage } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { callerWords, msWords, outcomeWords, serviceName } from '../../signals/words';
import { clockWords } from '../../ui/clock';
import { Page, Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import { type Range } from '../../ui/range-of';
import { Mono, Tag, When } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import ui from '../../ui/ui.module.css';
import { FailureDetail } from './failure-detail';
import css from './failures.module.css';
import { askedBy, filterOf } from './filter';
import { Filters } from './filters';

/** Failures are kept for a day: longer times have no more. */
const KEPT = ['15m', '1h', '6h', '24h'] as const;

/** Single requests and attempts that failed, newest first. The address holds what was searched for. */
export function FailuresPage() {
  const range = useRange();
  return (
    <Page
      title="Failures"
      lead="Single requests and attempts that failed, as the sidecars told of them. Every failure is told of; these are kept for a day."
    >
      <Panel title="Requests that failed" end={<RangePicker range={range} of={KEPT} />} flush>
        <Filters />
        <Found range={range} />
      </Panel>
    </Page>
  );
}

function Found({ range }: { readonly range: Range }) {
  const { name: mesh } = useMesh();
  const [params] = useSearchParams();
  const filter = filterOf(params);
  const failures = useInfiniteQuery({
    queryKey: ['failures', mesh, range.query, filter.toString()],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      failurePage(mesh, { range, filter: askedBy(filter), cursor: pageParam }, signal),
    getNextPageParam: ({ cursor }) => cursor,
  });
  return (
    <Asked of={failures}>
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        return (
          <>
            {items.length === 0 ? (
              <Nothing isFiltered={filter.size > 0} isDone={!failures.hasNextPage} />
            ) : (
              <List items={items} />
            )}
            <div className={ui.panelBody}>
              {failures.hasNextPage && (
                <Button
                  variant="default"
                  mr={10}
                  loading={failures.isFetchingNextPage}
                  onClick={() => void failures.fetchNextPage()}
                >
                  {items.length === 0 ? 'Look further back' : 'Show older ones'}
                </Button>
              )}
              <Button variant="subtle" loading={failures.isRefetching} onClick={() => void failures.refetch()}>
                Look again
              </Button>
            </div>
          </>
        );
      }}
    </Asked>
  );
}

function Nothing({ isFiltered, isDone }: { readonly isFiltered: boolean; readonly isDone: boolean }) {
  if (!isDone) return <Empty title="None among the newest">There are older ones that were not looked at yet.</Empty>;
  return isFiltered ? (
    <Empty title="Nothing failed like that">Choose a longer time, or take a filter away.</Empty>
  ) : (
    <Empty title="Nothing failed in this time" command="heddle failures --since 24h">
      When a request fails, its sidecar tells of it within a second: who called what, at which instance, and what Envoy
      says about it. It is listed here, whether it was retried or not.
    </Empty>
  );
}

const keyOf = ({ at, requestId, what, attempt, caller, callee }: FailureView): string =>
  `${at} ${requestId} ${what} ${attempt} ${caller} ${callee}`;

function List({ items }: { readonly items: readonly FailureView[] }) {
  const [open, setOpen] = useState<FailureView | undefined>();
  return (
    <>
      <Table label="Failures" columns={columns(setOpen)} rows={items} keyOf={keyOf} />
      <FailureDetail of={open} onClose={() => setOpen(undefined)} />
    </>
  );
}

const columns = (open: (failure: FailureView) => void): readonly Column<FailureView>[] => [
  {
    head: 'What',
    width: '5fr',
    cell: (row) => (
      <button type="button" className={css.open} onClick={() => open(row)}>
        <span className={css.what}>
          {row.method} {row.path || 'no path'}
        </span>
        <span className={css.under}>
          <span className={ui.narrow}>{clockWords(row.at, Date.now())} · </span>
          {callerWords(row.caller)} to {serviceName(row.callee)}
          {row.what === 'attempt' && `, attempt ${row.attempt}`}
        </span>
      </button>
    ),
  },
  { head: 'How', width: '3fr', wide: true, cell: ({ outcome }) => outcomeWords(outcome) },
  {
    head: 'Envoy says',
    width: '2fr',
    wide: true,
    cell: ({ flags, details }) => (
      <>
        <Mono>{flags || '–'}</Mono> <span className={ui.rowText}>{details}</span>
      </>
    ),
  },
  { head: 'Took', width: '70px', wide: true, atEnd: true, cell: ({ durationMs }) => msWords(durationMs) },
  {
    head: 'Status',
    width: '84px',
    atEnd: true,
    cell: ({ status }) => (
      <Tag tone={status === 0 || status >= 500 ? 'bad' : 'warn'}>{status === 0 ? 'none' : status}</Tag>
    ),
  },
  { head: 'When', width: '100px', atEnd: true, wide: true, cell: ({ at }) => <When at={at} /> },
];
