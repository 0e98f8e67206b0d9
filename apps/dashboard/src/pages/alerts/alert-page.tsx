import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { alertsOf, historyOfAlert, silencesOf } from '../../api/alerts';
import { viewOf } from '../../api/queries';
import type { AlertView } from '../../api/signals';
import { useMesh } from '../../session/session';
import { Labels } from '../../ui/labels';
import { Fact, Facts, Page, Panel, Rows } from '../../ui/page';
import { Moment } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { AlertTag, isOpen } from './alert-rows';
import { EventRows } from './history';
import { SilenceAlert } from './silence-alert';
import { maySilence, SilenceRow } from './silences';

/** One alert: what is the matter, since when, what it was before, and what can be done. */
export function AlertPage() {
  const { name: mesh } = useMesh();
  const { fingerprint } = useParams<{ fingerprint: string }>();
  const alerts = useQuery(alertsOf(mesh));
  const history = useQuery(historyOfAlert(mesh, fingerprint));
  const rights = useQuery(viewOf(mesh, 'silencing'));
  const current = alerts.data?.items.find((one) => one.fingerprint === fingerprint);
  // What is over for some time is in the history only.
  const alert = current ?? history.data?.items[0];
  const offers = current && isOpen(current) && current.silence === null && maySilence(rights.data, current.namespace);
  return (
    <Page
      title={alert?.name ?? 'Alert'}
      crumbs={[{ text: 'Alerts', href: '/alerts' }]}
      lead={alert?.summary}
      actions={offers && <SilenceAlert alert={current} />}
    >
      <Asked of={alerts}>
        {() => (
          <Asked of={history}>
            {({ items }) =>
              alert ? (
                <div className={ui.grid2}>
                  <div className={ui.column}>
                    {current && current.silence !== null && <SilencedBy id={current.silence} />}
                    <Panel title="What became of it" flush>
                      {items.length === 0 ? (
                        <Empty title="It has not fired yet">It holds, but not for as long as its rule asks for.</Empty>
                      ) : (
                        <EventRows label="What became of it" items={items} />
                      )}
                    </Panel>
                  </div>
                  <About alert={alert} />
                </div>
              ) : (
                <Gone />
              )
            }
          </Asked>
        )}
      </Asked>
    </Page>
  );
}

const Gone = () => (
  <Panel title="No such alert">
    <Empty title="There is no alert by this address">
      Alerts are kept for 90 days. This one may be older, or of a namespace whose alerts you may not read.
    </Empty>
  </Panel>
);

function SilencedBy({ id }: { readonly id: number }) {
  const { name: mesh } = useMesh();
  const silences = useQuery(silencesOf(mesh));
  const silence = silences.data?.items.find((one) => one.id === id);
  return silence ? (
    <Panel title="Nobody is told of it" flush>
      <Rows label="Silences">
        <SilenceRow silence={silence} />
      </Rows>
    </Panel>
  ) : null;
}

const number = (value: number | null, unit: string): string =>
  value === null ? 'not known' : `${Number(value.toPrecision(4))} ${unit}`;

const ruleHref = ({ rule }: AlertView): string =>
  `/resources/${rule.kind}/${rule.namespace}/${encodeURIComponent(rule.name)}`;

/** `<namespace>/<name>` of the service that it is about. */
function serviceOf({ labels, namespace }: AlertView): string | undefined {
  const service = labels['service'];
  if (service === undefined || service === '') return undefined;
  return service.includes('/') ? service : `${namespace}/${service}`;
}

function About({ alert }: { readonly alert: AlertView }) {
  const { state, since, startsAt, endsAt, value, threshold, unit, description, runbook, rule, labels } = alert;
  const service = serviceOf(alert);
  return (
    <div className={ui.column}>
      <Panel title="At a glance" end={<AlertTag {...alert} />}>
        <Facts>
          <Fact name="Holds since">
            <Moment at={since} />
          </Fact>
          {startsAt && (
            <Fact name="Fired">
              <Moment at={startsAt} />
            </Fact>
          )}
          {endsAt && state !== 'firing' && (
            <Fact name="Over">
              <Moment at={endsAt} />
            </Fact>
          )}
          <Fact name="Value">
            {number(value, unit)}, fires beyond {number(threshold, unit)}
          </Fact>
          <Fact name="Rule">
            {rule.namespace === '' ? (
              'built in'
            ) : (
              <Link href={ruleHref(alert)} className={ui.link}>
                {rule.kind} {rule.namespace}/{rule.name}
              </Link>
            )}
          </Fact>
          <Fact name="Labels">
            <Labels labels={labels} />
          </Fact>
        </Facts>
      </Panel>
      <Panel title="What to do">
        {description && <p className={ui.problemText}>{description}</p>}
        <span className={ui.chips} style={{ marginTop: 10 }}>
          {/^https?:\/\//.test(runbook) && (
            <a className={ui.chip} href={runbook} rel="noreferrer noopener" target="_blank">
              runbook
            </a>
          )}
          {service && (
            <>
              <Link className={ui.chip} href={`/services/${service}`}>
                {service}
              </Link>
              <Link className={ui.chip} href={`/failures?callee=${service}`}>
                its failures
              </Link>
              <Link className={ui.chip} href={`/patterns?service=${service}`}>
                its patterns
              </Link>
            </>
          )}
          <Link className={ui.chip} href="/timeline">
            what else happened
          </Link>
        </span>
      </Panel>
    </div>
  );
}
