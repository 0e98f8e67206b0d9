import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { alertHistory } from '../../api/alerts';
import type { AlertEvent } from '../../api/signals';
import { useMesh } from '../../session/session';
import { Row, Rows } from '../../ui/page';
import { Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { AlertTag } from './alert-rows';

const PAGE = 50;

/** What began and what ended, the newest first. */
export function History() {
  const { name: mesh } = useMesh();
  const history = useInfiniteQuery({
    queryKey: ['mesh', mesh, 'alerts', 'history'],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      alertHistory(mesh, `limit=${PAGE}${pageParam === '' ? '' : `&cursor=${pageParam}`}`, signal),
    getNextPageParam: ({ cursor }) => cursor,
  });
  return (
    <Asked of={history}>
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        if (items.length === 0)
          return (
            <Empty title="Nothing was the matter yet" command="heddle alerts history --since 24h">
              Every alert that begins or ends is kept here for 90 days.
            </Empty>
          );
        return (
          <>
            <EventRows label="History of alerts" items={items} isLinked />
            {history.hasNextPage && (
              <div className={ui.panelBody}>
                <Button
                  variant="default"
                  loading={history.isFetchingNextPage}
                  onClick={() => void history.fetchNextPage()}
                >
                  Show older ones
                </Button>
              </div>
            )}
          </>
        );
      }}
    </Asked>
  );
}

interface EventRowsProps {
  readonly label: string;
  readonly items: readonly AlertEvent[];
  readonly isLinked?: boolean;
}

const WORDS: Readonly<Record<AlertEvent['state'], string>> = {
  ...{ pending: 'began to hold', firing: 'fired', resolved: 'was over', dropped: 'was dropped' },
};

export const EventRows = ({ label, items, isLinked = false }: EventRowsProps) => (
  <Rows label={label}>
    {items.map((one) => (
      <Row
        key={`${one.fingerprint} ${one.at} ${one.state}`}
        {...(isLinked ? { href: `/alerts/${one.fingerprint}` } : {})}
        title={
          <>
            {one.name} {WORDS[one.state]}
          </>
        }
        text={
          <>
            {one.summary}
            {one.ending && `: ${one.ending}`}
          </>
        }
        end={
          <>
            <AlertTag {...one} /> <Time at={one.at} />
          </>
        }
      />
    ))}
  </Rows>
);
