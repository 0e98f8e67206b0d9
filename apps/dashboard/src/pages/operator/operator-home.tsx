import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { History, Network, Undo2 } from 'lucide-react';
import { Link } from 'wouter';
import { viewOf } from '../../api/queries';
import type { ChangeInFlight, OperatorHome as Home, TroubledProxy } from '../../api/views';
import { HOMES, useMesh } from '../../session/session';
import { DeliveryWeave, deliveryWords } from '../../ui/delivery';
import { Page, Panel, Row, Rows, Stats } from '../../ui/page';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Tone, toneOf } from '../../ui/tone';
import css from '../../ui/ui.module.css';
import { AlertsPanel } from '../alerts/alerts-panel';
import { PatternsPanel } from '../patterns/patterns-panel';

const PROBLEMS: Readonly<Record<TroubledProxy['problem'], readonly [Tone, string]>> = {
  refuses: ['bad', 'refuses'],
  disconnected: ['bad', 'not connected'],
  duplicate: ['warn', 'seen twice'],
  behind: ['warn', 'behind'],
  token: ['warn', 'token ends'],
};

/** The home of who keeps the mesh running. */
export function OperatorHome() {
  const { name: mesh } = useMesh();
  const home = useQuery(viewOf(mesh, 'operator'));
  return (
    <Page
      title={HOMES.operator.title}
      lead={HOMES.operator.lead}
      actions={
        <>
          <Button component={Link} href="/map" variant="default" leftSection={<Network size={15} aria-hidden />}>
            Map
          </Button>
          <Button component={Link} href="/timeline" variant="default" leftSection={<History size={15} aria-hidden />}>
            Timeline
          </Button>
        </>
      }
    >
      <Asked of={home}>{(data) => <Content {...data} />}</Asked>
    </Page>
  );
}

/** Of so many that should be. */
const allOf = (count: number, total: number): Tone => (total === 0 ? 'idle' : count === total ? 'good' : 'warn');

function Content({ proxies, troubled, troubledTotal, changes, trials, quarantined }: Home) {
  return (
    <>
      <Stats
        items={[
          {
            label: 'Connected',
            value: proxies.connected,
            note: `of ${proxies.total} proxies`,
            tone: allOf(proxies.connected, proxies.total),
            href: '/proxies',
          },
          { label: 'Up to date', value: proxies.upToDate, tone: allOf(proxies.upToDate, proxies.connected) },
          {
            label: 'Behind',
            value: proxies.behind,
            tone: proxies.behind > 0 ? 'warn' : 'idle',
            href: '/proxies?show=behind',
          },
          {
            ...{ label: 'Refusing', value: proxies.refusing, href: '/proxies?show=refuses' },
            tone: proxies.refusing > 0 ? 'bad' : 'idle',
          },
          { label: 'Held back', value: quarantined, note: 'in quarantine', tone: quarantined > 0 ? 'bad' : 'idle' },
        ]}
      />
      <div className={css.grid2}>
        <div className={css.column}>
          <AlertsPanel />
          {trials.length > 0 && (
            <Panel title="On trial" note={counted(trials.length, 'change')} flush>
              <Rows label="Changes on trial">
                {trials.map(({ id, state, message, hidden }) => (
                  <Row
                    key={id}
                    href={`/changes/${id}`}
                    title={id}
                    text={message || (hidden ? 'writes what you may not see' : 'without a message')}
                    end={<Tag tone={toneOf(state)}>{state}</Tag>}
                  />
                ))}
              </Rows>
            </Panel>
          )}
          <Panel title="Needs a look" note={troubledTotal > 0 ? counted(troubledTotal, 'proxy', 'proxies') : ''} flush>
            {troubled.length === 0 ? (
              proxies.total === 0 ? (
                <Empty title="No proxy has joined yet" command="heddle proxy bootstrap --workload web --out web">
                  A proxy joins with a stock Envoy, a bootstrap file and a token. Its instance is registered with the
                  first start.
                </Empty>
              ) : (
                <Empty title="All proxies are fine">Connected, up to date, and nothing was refused.</Empty>
              )
            ) : (
              <Rows label="Proxies that need a look">
                {troubled.map(({ namespace, instance, problem, words }) => (
                  <Row
                    key={`${namespace}/${instance}`}
                    href={`/proxies/${namespace}/${instance}`}
                    title={<Mono>{`${namespace}/${instance}`}</Mono>}
                    text={words}
                    end={<Tag tone={PROBLEMS[problem][0]}>{PROBLEMS[problem][1]}</Tag>}
                  />
                ))}
              </Rows>
            )}
          </Panel>
        </div>
        <div className={css.column}>
          <PatternsPanel />
          <Panel
            title="Newest changes"
            flush
            end={
              <Link href="/changes" className={css.link}>
                All
              </Link>
            }
          >
            {changes.length === 0 ? (
              <Empty title="Nothing was changed yet" command="heddle plan -f service.yaml" />
            ) : (
              <Rows label="Newest changes">
                {changes.map((change) => (
                  <Change key={change.change} {...change} />
                ))}
              </Rows>
            )}
          </Panel>
        </div>
      </div>
    </>
  );
}

function Change({ change, at, actor, message, state, ...numbers }: ChangeInFlight) {
  const { mayPlan } = useMesh();
  return (
    <li>
      <div className={css.row}>
        <div className={css.rowMain}>
          <Link href={`/changes/${change}`} className={css.link}>
            {change}
          </Link>{' '}
          <span className={css.rowTitle}>{message}</span>
          <div className={css.rowText}>
            {actor}, <Time at={at} />
          </div>
        </div>
        <div className={css.rowEnd}>
          <Tag tone={toneOf(state)}>{state}</Tag>
        </div>
        <div style={{ display: 'grid', gap: 4 }}>
          <DeliveryWeave {...numbers} />
          <span className={css.rowText}>{deliveryWords(state, numbers)}</span>
        </div>
        {mayPlan && (
          <Button
            component={Link}
            href={`/changes/${change}?revert`}
            size="compact-xs"
            variant="subtle"
            leftSection={<Undo2 size={13} />}
            aria-label={`Roll back ${change}`}
          >
            Roll back
          </Button>
        )}
      </div>
    </li>
  );
}
