import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { SearchIcon } from 'lucide-react';
import { useState } from 'react';
import { viewOf } from '../../api/queries';
import type { IdentityView } from '../../api/views';
import { useMesh } from '../../session/session';
import { Page, Panel } from '../../ui/page';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import css from '../../ui/ui.module.css';
import { expiryOf } from './expiry';

const COLUMNS: readonly Column<IdentityView>[] = [
  {
    head: 'Proxy',
    width: '3fr',
    cell: ({ namespace, instance }) => (
      <Name href={`/proxies/${namespace}/${instance}`} name={instance} under={namespace} />
    ),
  },
  { head: 'Identity', width: '5fr', wide: true, cell: ({ spiffeId }) => <Mono>{spiffeId}</Mono> },
  {
    head: 'Certificate ends',
    width: '130px',
    wide: true,
    cell: ({ certificateNotAfter }) => (certificateNotAfter ? <Time at={certificateNotAfter} /> : '–'),
  },
  {
    head: 'Token ends',
    width: '110px',
    wide: true,
    cell: ({ tokenDaysLeft }) => (tokenDaysLeft === undefined ? '–' : `in ${Math.floor(tokenDaysLeft)} d`),
  },
  {
    head: 'State',
    width: '150px',
    atEnd: true,
    cell: (row) => <Tag tone={expiryOf(row).tone}>{expiryOf(row).words}</Tag>,
  },
];

/** Every identity of the mesh, and when it ends. */
export function CertificatesPage() {
  const { name: mesh } = useMesh();
  const [text, setText] = useState('');
  const home = useQuery(viewOf(mesh, 'identities'));
  return (
    <Page
      title="Certificates"
      lead="Every workload has an identity of its own. Its proxies are given short certificates for it, and renew them by themselves with their token."
    >
      <Asked of={home}>
        {({ identities, trustDomain }) => {
          const wanted = text.toLowerCase();
          const rows = identities.filter(({ spiffeId, instance }) => `${spiffeId} ${instance}`.includes(wanted));
          return (
            <Panel
              title="Identities"
              note={`${counted(identities.length, 'proxy', 'proxies')} in ${trustDomain}`}
              flush
            >
              {identities.length === 0 ? (
                <Empty title="No proxy has an identity yet" command="heddle token create --workload web -n shop">
                  A token says which workload a proxy is. With it the proxy is given its certificate when it connects.
                </Empty>
              ) : (
                <>
                  <div className={css.toolbar}>
                    <TextInput
                      aria-label="Filter identities"
                      placeholder="Filter by proxy or identity"
                      leftSection={<SearchIcon size={15} />}
                      value={text}
                      onChange={(event) => setText(event.currentTarget.value)}
                    />
                  </div>
                  <Table
                    label="Identities"
                    columns={COLUMNS}
                    rows={rows}
                    keyOf={({ namespace, instance }) => `${namespace}/${instance}`}
                  />
                </>
              )}
            </Panel>
          );
        }}
      </Asked>
    </Page>
  );
}
