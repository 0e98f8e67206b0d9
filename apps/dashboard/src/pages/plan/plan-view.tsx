import { Tabs } from '@mantine/core';
import type { EnvoyChange, Finding, IntentChange, Plan, TouchedProxy } from '../../api/types';
import { Document, DocumentDiff, Fields } from '../../ui/diff';
import { Fold } from '../../ui/fold';
import { Panel, Row, Rows, Stats } from '../../ui/page';
import { idOf, ResourceLink } from '../../ui/resource';
import { counted, Mono, Tag } from '../../ui/signs';
import { Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import type { Tone } from '../../ui/tone';
import css from '../../ui/ui.module.css';

const OPS: Readonly<Record<string, readonly [Tone, string]>> = {
  create: ['good', 'new'],
  add: ['good', 'new'],
  update: ['accent', 'changed'],
  change: ['accent', 'changed'],
  delete: ['bad', 'gone'],
  remove: ['bad', 'gone'],
  unchanged: ['idle', 'as it is'],
};

const Op = ({ of }: { readonly of: string }) => {
  const [tone, words] = OPS[of] ?? ['idle', of];
  return <Tag tone={tone}>{words}</Tag>;
};

const SEVERITY: Readonly<Record<Finding['severity'], Tone>> = { critical: 'bad', warning: 'warn', info: 'idle' };

/** What a plan would do: to what is written, to Envoys, to proxies; and what speaks against it. */
export function PlanView({ plan }: { readonly plan: Plan }) {
  const changed = plan.intent.filter(({ op }) => op !== 'unchanged');
  const { envoy, proxies } = plan;
  const drained = proxies.items.filter(({ listeners }) => listeners > 0).length;
  return (
    <>
      <Stats
        items={[
          { label: 'Resources', value: changed.length, note: 'of what is written' },
          {
            ...{ label: 'Envoy resources', value: envoy.added + envoy.changed + envoy.removed },
            note: `${envoy.added} new, ${envoy.changed} changed, ${envoy.removed} gone`,
          },
          { label: 'Proxies that notice', value: proxies.touched, note: `of ${proxies.total}` },
          {
            ...{ label: 'Connections drain', value: drained, note: 'proxies with replaced listeners' },
            tone: drained > 0 ? 'warn' : 'idle',
          },
          {
            ...{ label: 'Findings', value: plan.findings.length },
            tone: plan.findings.some(({ severity }) => severity === 'critical')
              ? 'bad'
              : plan.findings.length > 0
                ? 'warn'
                : 'good',
          },
        ]}
      />
      {(plan.findings.length > 0 || plan.resolved.length > 0 || plan.warnings.length > 0) && <Findings plan={plan} />}
      <Panel title="What it would do" flush note={hiddenOf(plan)}>
        <Tabs defaultValue="intent" keepMounted={false}>
          <Tabs.List px={18}>
            <Tabs.Tab value="intent">What is written ({changed.length})</Tabs.Tab>
            <Tabs.Tab value="envoy">What Envoys get ({envoy.items.length})</Tabs.Tab>
            <Tabs.Tab value="proxies">Who notices ({proxies.items.length})</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="intent">
            {plan.intent.length === 0 ? (
              <Empty title="Nothing changes">What is written is what is there already.</Empty>
            ) : (
              plan.intent.map((one) => <Intent key={idOf(one)} {...one} />)
            )}
          </Tabs.Panel>
          <Tabs.Panel value="envoy">
            {envoy.items.length === 0 ? (
              <Empty title="No Envoy is sent anything">
                The configuration of every proxy stays as it is, byte for byte.
              </Empty>
            ) : (
              envoy.items.map((one) => <Envoy key={one.key} of={one} />)
            )}
          </Tabs.Panel>
          <Tabs.Panel value="proxies">
            {proxies.items.length === 0 ? (
              <Empty title="No proxy notices" />
            ) : (
              <Table
                label="Proxies that notice"
                columns={PROXY_COLUMNS}
                rows={proxies.items}
                keyOf={({ namespace, instance }) => `${namespace}/${instance}`}
              />
            )}
          </Tabs.Panel>
        </Tabs>
      </Panel>
    </>
  );
}

function hiddenOf({ hidden }: Plan): string {
  if (hidden === undefined) return '';
  const count = hidden.intent + hidden.envoy + hidden.proxies + hidden.findings;
  return `and ${counted(count, 'thing')} that you may not see`;
}

const Findings = ({ plan }: { readonly plan: Plan }) => (
  <Panel title="Worth a look before it is applied" flush>
    <Rows label="Findings">
      {plan.findings.map((finding) => (
        <FindingRow key={`${finding.code}${idOf(finding.resource)}${finding.path}`} {...finding} />
      ))}
      {plan.warnings.map(({ resource, message, path }) => (
        <Row
          key={`${idOf(resource)}${path}${message}`}
          title={message}
          text={`${idOf(resource)} ${path}`}
          end={<Tag tone="warn">warning</Tag>}
        />
      ))}
      {plan.resolved.map(({ code, resource, message }) => (
        <Row
          key={`${code}${idOf(resource)}`}
          title={message}
          text={idOf(resource)}
          end={<Tag tone="good">resolved</Tag>}
        />
      ))}
    </Rows>
  </Panel>
);

const FindingRow = ({ severity, message, resource, by, introduced, path }: Finding) => (
  <Row
    title={message}
    text={
      <>
        <ResourceLink of={resource} /> {path}
        {by.length > 0 && <> because of {by.map(idOf).join(', ')}</>}
        {!introduced && '. It is so already, without this plan.'}
      </>
    }
    end={<Tag tone={SEVERITY[severity]}>{severity}</Tag>}
  />
);

const Intent = (one: IntentChange) => (
  <Fold title={<Mono>{idOf(one)}</Mono>} end={<Op of={one.op} />} isOpen={one.op !== 'unchanged'}>
    {one.op === 'unchanged' ? (
      'It is there already, just so.'
    ) : one.op === 'update' ? (
      <>
        {one.sameMeaning && <p className={css.problemText}>In words only: it means the same as before.</p>}
        <Fields fields={one.fields} />
      </>
    ) : (
      <DocumentDiff
        before={one.op === 'delete' ? one.manifest : undefined}
        after={one.op === 'create' ? one.manifest : undefined}
      />
    )}
  </Fold>
);

const Envoy = ({
  of: { op, type, name, proxies, fields, content, provisionalAddress },
}: {
  readonly of: EnvoyChange;
}) => (
  <Fold
    title={
      <>
        <span className={css.chip}>{type}</span> <Mono>{name}</Mono>{' '}
        <span className={css.rowText}>{counted(proxies, 'proxy', 'proxies')}</span>
      </>
    }
    end={<Op of={op} />}
  >
    {provisionalAddress && <p className={css.problemText}>Its loopback address is given when the plan is applied.</p>}
    {fields && <Fields fields={fields} />}
    {content !== undefined && <Document value={content} />}
    {!fields && content === undefined && 'There are so many that not all are shown field by field.'}
  </Fold>
);

const PROXY_COLUMNS: readonly Column<TouchedProxy>[] = [
  {
    head: 'Proxy',
    width: '4fr',
    cell: ({ namespace, instance }) => (
      <Name href={`/proxies/${namespace}/${instance}`} name={instance} under={namespace} />
    ),
  },
  { head: 'Workload', width: '3fr', wide: true, cell: ({ workload }) => <Mono>{workload}</Mono> },
  { head: 'New', width: '70px', atEnd: true, wide: true, cell: ({ added }) => added },
  { head: 'Changed', width: '80px', atEnd: true, cell: ({ changed }) => changed },
  { head: 'Gone', width: '70px', atEnd: true, wide: true, cell: ({ removed }) => removed },
  {
    head: 'Drains',
    width: '90px',
    atEnd: true,
    wide: true,
    cell: ({ listeners }) => (listeners > 0 ? <Tag tone="warn">{listeners}</Tag> : '–'),
  },
];
