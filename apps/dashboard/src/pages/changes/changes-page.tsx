import { Button, Checkbox, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { GitCompareArrows, SearchIcon } from 'lucide-react';
import { useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { get } from '../../api/client';
import type { HistoryEntry } from '../../api/types';
import { useMesh } from '../../session/session';
import { DeliveryWeave, deliveryWords } from '../../ui/delivery';
import { Page, Panel } from '../../ui/page';
import { idOf } from '../../ui/resource';
import { Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import { toneOf } from '../../ui/tone';
import css from '../../ui/ui.module.css';

const PAGE = 50;

/** Everything that was changed, newest first. Two of them can be compared. */
export function ChangesPage() {
  const { name: mesh } = useMesh();
  const [params, setParams] = useSearchParams();
  const [picked, setPicked] = useState<readonly number[]>([]);
  const actor = params.get('actor') ?? '';
  const history = useInfiniteQuery({
    queryKey: ['mesh', mesh, 'history', 'pages', actor],
    initialPageParam: 0,
    queryFn: async ({ pageParam, signal }) => {
      const query = `limit=${PAGE}&delivery=true${pageParam > 0 ? `&before=${pageParam}` : ''}${actor ? `&actor=${encodeURIComponent(actor)}` : ''}`;
      return (await get<{ items: readonly HistoryEntry[] }>(`/api/v1/meshes/${mesh}/history?${query}`, signal)).items;
    },
    getNextPageParam: (last) => (last.length === PAGE ? last.at(-1)?.revision : undefined),
  });
  const pick = (revision: number): void =>
    setPicked((before) =>
      before.includes(revision) ? before.filter((one) => one !== revision) : [...before, revision].slice(-2),
    );
  return (
    <Page
      title="Changes"
      lead="Everything that was written in this mesh: by whom, why, and how far it has come at the proxies. Nothing of it can be edited."
      actions={<Compare picked={picked} />}
    >
      <Asked of={history}>
        {({ pages }) => (
          <Panel
            title="History"
            note={picked.length === 0 ? 'tick two to compare them' : `${picked.length} of 2 ticked`}
            flush
          >
            <div className={css.toolbar}>
              <TextInput
                aria-label="Filter by who made them"
                placeholder="By whom: the exact name"
                leftSection={<SearchIcon size={15} />}
                defaultValue={actor}
                onKeyDown={(event) => {
                  if (event.key === 'Enter')
                    setParams(event.currentTarget.value ? { actor: event.currentTarget.value } : {});
                }}
              />
            </div>
            {pages.flat().length === 0 ? (
              <Empty
                title={actor ? `Nothing by ${actor}` : 'Nothing was changed yet'}
                command="heddle apply -f service.yaml --message 'why it is made'"
              >
                Every change is kept here for good, with who made it and why.
              </Empty>
            ) : (
              <Table
                label="Changes"
                columns={columns(picked, pick)}
                rows={pages.flat()}
                keyOf={({ change }) => change}
              />
            )}
            {history.hasNextPage && (
              <div className={css.panelBody}>
                <Button
                  variant="default"
                  loading={history.isFetchingNextPage}
                  onClick={() => void history.fetchNextPage()}
                >
                  Show older ones
                </Button>
              </div>
            )}
          </Panel>
        )}
      </Asked>
    </Page>
  );
}

function Compare({ picked }: { readonly picked: readonly number[] }) {
  const [, go] = useLocation();
  const [from = 0, to = 0] = [...picked].sort((a, b) => a - b);
  return (
    <Button
      variant="default"
      leftSection={<GitCompareArrows size={15} />}
      disabled={picked.length !== 2}
      onClick={() => go(`/compare/${from}/${to}`)}
    >
      Compare
    </Button>
  );
}

const columns = (picked: readonly number[], pick: (revision: number) => void): readonly Column<HistoryEntry>[] => [
  {
    head: 'Tick',
    width: '34px',
    wide: true,
    cell: ({ revision, change }) => (
      <span style={{ position: 'relative', zIndex: 2 }}>
        <Checkbox
          aria-label={`Tick ${change} to compare it`}
          checked={picked.includes(revision)}
          onChange={() => pick(revision)}
        />
      </span>
    ),
  },
  {
    head: 'Change',
    width: '6fr',
    cell: ({ change, message, items, hidden, reverts, actor, at }) => (
      <Name
        href={`/changes/${change}`}
        name={message || items.map(idOf).join(', ') || change}
        under={
          <>
            <Mono>{change}</Mono> {actor}, <Time at={at} />
            {': '}
            {items.slice(0, 3).map(idOf).join(', ')}
            {items.length + (hidden ?? 0) > 3 && ` and ${items.length + (hidden ?? 0) - 3} more`}
            {reverts && `, takes back ${reverts}`}
          </>
        }
      />
    ),
  },
  {
    head: 'At the proxies',
    width: '190px',
    wide: true,
    cell: ({ delivery }) =>
      delivery && (
        <span style={{ display: 'grid', gap: 4 }}>
          <DeliveryWeave {...delivery} />
          <span className={css.rowText}>{deliveryWords(delivery.state, delivery)}</span>
        </span>
      ),
  },
  {
    head: 'State',
    width: '110px',
    atEnd: true,
    cell: ({ delivery }) => delivery && <Tag tone={toneOf(delivery.state)}>{delivery.state}</Tag>,
  },
];
