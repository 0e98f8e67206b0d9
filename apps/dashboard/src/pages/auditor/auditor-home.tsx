import { Button, Progress } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Download, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { send } from '../../api/client';
import { viewOf } from '../../api/queries';
import type { AuditVerdict } from '../../api/types';
import type { DecisionView, AuditorHome as Home } from '../../api/views';
import { HOMES, useMesh } from '../../session/session';
import { Page, Panel, Row, Rows } from '../../ui/page';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty, ProblemView } from '../../ui/states';
import { type Column, Table } from '../../ui/table';
import { toneOf } from '../../ui/tone';
import css from '../../ui/ui.module.css';

/** The home of who checks what was done. Reads only. */
export function AuditorHome() {
  const { name: mesh } = useMesh();
  const home = useQuery(viewOf(mesh, 'auditor'));
  return (
    <Page
      title={HOMES.auditor.title}
      lead={HOMES.auditor.lead}
      actions={
        home.data?.mayVerify && (
          <Button
            component="a"
            href="/api/v1/audit/export"
            download="heddle-audit.jsonl"
            variant="default"
            leftSection={<Download size={15} />}
          >
            Export the chain
          </Button>
        )
      }
    >
      <Asked of={home}>{(data) => <Content {...data} />}</Asked>
    </Page>
  );
}

const COLUMNS: readonly Column<DecisionView>[] = [
  { head: 'No.', width: '64px', cell: ({ seq }) => <Mono>{seq}</Mono> },
  {
    head: 'Decision',
    width: '5fr',
    cell: ({ message, items, action, decision }) => (
      <>
        <div>{message || items[0] || action}</div>
        <div className={css.rowText}>
          {action} {decision === 'refused' && '(refused) '}
          {items.slice(0, 4).join(', ')}
          {items.length > 4 && ` and ${items.length - 4} more`}
        </div>
      </>
    ),
  },
  {
    head: 'By',
    width: '2fr',
    wide: true,
    cell: ({ actor, role }) => (
      <>
        <div>{actor}</div>
        <div className={css.rowText}>{role}</div>
      </>
    ),
  },
  { head: 'When', width: '110px', wide: true, cell: ({ at }) => <Time at={at} /> },
  { head: 'Hash', width: '110px', wide: true, cell: ({ hash }) => <Mono>{hash.slice(0, 10)}</Mono> },
  {
    head: 'Outcome',
    width: '110px',
    atEnd: true,
    cell: ({ decision }) => <Tag tone={toneOf(decision)}>{decision}</Tag>,
  },
];

function Content({ decisions, mayVerify, destinations }: Home) {
  return (
    <>
      {mayVerify ? (
        <div className={css.grid2}>
          <Verification />
          <Destinations destinations={destinations ?? []} />
        </div>
      ) : (
        <Panel title="The chain">
          <p className={css.problemText}>
            The chain is one for all meshes. To verify or export it, a token needs the role auditor, security or admin
            without being confined to a mesh.
          </p>
        </Panel>
      )}
      <Panel title="Decisions" note={`${counted(decisions.length, 'newest', 'newest')}`} flush>
        {decisions.length === 0 ? (
          <Empty title="Nothing was decided in this mesh yet" command="heddle audit search" />
        ) : (
          <Table label="Decisions" columns={COLUMNS} rows={decisions} keyOf={({ seq }) => String(seq)} />
        )}
      </Panel>
    </>
  );
}

/** Verifies the chain on the server; `onProgress` is told 0 to 1. @throws Problem */
async function verify(onProgress: (share: number) => void): Promise<AuditVerdict> {
  const response = await send('POST', '/api/v1/audit/verify', { body: {} });
  let text = '';
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    const last = text.trimEnd().split('\n').at(-1) ?? '';
    const progress = /"seq":(\d+),"head":(\d+)/.exec(last);
    if (progress) onProgress(Number(progress[1]) / Math.max(1, Number(progress[2])));
  }
  const { verdict } = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}') as { verdict: AuditVerdict };
  return verdict;
}

function Verification() {
  const [share, setShare] = useState(0);
  const check = useMutation({ mutationFn: () => verify(setShare) });
  return (
    <Panel
      title="Is the chain whole?"
      end={
        <Button
          size="xs"
          leftSection={<ShieldCheck size={15} />}
          loading={check.isPending}
          onClick={() => check.mutate()}
        >
          Verify
        </Button>
      }
    >
      <div role="status">
        {check.isPending && <Progress value={share * 100} aria-label="Verified so far" />}
        {check.error && <ProblemView error={check.error} />}
        {check.data?.ok === true && (
          <>
            <Tag tone="good">whole</Tag>
            <p className={css.lead}>
              {counted(check.data.entries, 'entry', 'entries')} verified, from {check.data.from} to {check.data.to}:
              every one follows from the one before, and {counted(check.data.checkpoints, 'signed checkpoint')} agree.
            </p>
          </>
        )}
        {check.data?.ok === false && (
          <>
            <Tag tone="bad">broken</Tag>
            <p className={css.lead}>{JSON.stringify(check.data)}</p>
          </>
        )}
        {check.isIdle && (
          <p className={css.problemText}>
            Every decision carries the hash of the one before it. Verifying walks all of them, and compares signed
            checkpoints: nobody can have changed the past unseen.
          </p>
        )}
      </div>
    </Panel>
  );
}

const Destinations = ({ destinations }: { readonly destinations: NonNullable<Home['destinations']> }) => (
  <Panel title="Signed checkpoints go to" flush>
    {destinations.length === 0 ? (
      <Empty title="They stay in the database" command="heddle audit checkpoints > checkpoints.jsonl">
        Who owns the database could rewrite it together with its checkpoints. Send them elsewhere by the setting{' '}
        <Mono>audit.checkpointTo</Mono>, or keep a copy yourself.
      </Empty>
    ) : (
      <Rows label="Destinations">
        {destinations.map(({ destination, failures, error }) => (
          <Row
            key={destination}
            title={<Mono>{destination}</Mono>}
            text={error}
            end={<Tag tone={failures > 0 ? 'bad' : 'good'}>{failures > 0 ? `${failures} failures` : 'arrives'}</Tag>}
          />
        ))}
      </Rows>
    )}
  </Panel>
);
