import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import type { PatternView, Scope } from '../../api/signals';
import { patternsOf } from '../../api/telemetry';
import { useMesh } from '../../session/session';
import { callerWords, countWords, PATTERN_WORDS, serviceName, shareWords } from '../../signals/words';
import { Fact, Facts, Page, Panel } from '../../ui/page';
import { type Range, rangeOf } from '../../ui/range-of';
import { counted, Moment, Mono } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { edgeHref } from '../edge/edge-href';
import { Evidence } from './evidence';
import { StateTag } from './pattern-rows';
import { Suspects } from './suspects';

/** As long as patterns are kept; looked at again as soon as what is new. */
const KEPT: Range = { query: 'since=90d', search: 'range=30d', lengthMs: 3_600_000, isLive: true, name: undefined };

/** One pattern: its name, what shows it, since when, where, and what may have brought it about. */
export function PatternPage() {
  const { name: mesh } = useMesh();
  const { id } = useParams<{ id: string }>();
  const known = useQuery(patternsOf(mesh, KEPT, `&id=${encodeURIComponent(id)}`));
  const pattern = known.data?.items[0];
  return (
    <Page
      title={pattern ? PATTERN_WORDS[pattern.name] : 'Pattern'}
      crumbs={[{ text: 'Patterns', href: '/patterns' }]}
      lead={pattern?.sentence}
      actions={pattern && <StateTag state={pattern.state} />}
    >
      <Asked of={known}>
        {() =>
          pattern ? (
            <Content pattern={pattern} />
          ) : (
            <Panel title="No such pattern">
              <Empty title="There is no pattern by this address">
                Patterns are kept for 90 days. This one may be older, or you may not read a service that it is about.
              </Empty>
            </Panel>
          )
        }
      </Asked>
    </Page>
  );
}

const BEFORE_MS = 15 * 60_000;

/** The time of it, with a quarter of an hour before. */
function timeOf({ since, until, state }: PatternView): Range {
  const to = state === 'active' ? Date.now() : until + BEFORE_MS;
  return rangeOf(
    new URLSearchParams({ from: new Date(since - BEFORE_MS).toISOString(), to: new Date(to).toISOString() }),
  );
}

function Content({ pattern }: { readonly pattern: PatternView }) {
  const { begun, ended, scope, facts, failedRequests, failedAttempts, shareOfScope, confidence, formerNames } = pattern;
  const time = timeOf(pattern);
  const services = [...new Set(scope.callees.map(serviceName))];
  return (
    <div className={ui.grid2}>
      <div className={ui.column}>
        <Suspects of={pattern} />
        <Evidence facts={facts} />
      </div>
      <div className={ui.column}>
        <Panel title="At a glance">
          <Facts>
            <Fact name="Since">
              <Moment at={begun} />
            </Fact>
            {ended && (
              <Fact name="Over">
                <Moment at={ended} />
              </Fact>
            )}
            <Fact name="Failed by it">
              {countWords(failedRequests)} requests, {countWords(failedAttempts)} attempts
            </Fact>
            <Fact name="It explains">{shareWords(shareOfScope)} of the failures of its services since then</Fact>
            <Fact name="How sure">{shareWords(confidence)}</Fact>
            {formerNames.length > 0 && (
              <Fact name="Was first taken for">{formerNames.map((name) => PATTERN_WORDS[name]).join(', ')}</Fact>
            )}
          </Facts>
        </Panel>
        <Panel title="Where">
          <Where scope={scope} upstream={pattern.upstream} time={time} />
        </Panel>
        <Panel title="Look further">
          <div className={ui.chips}>
            {services.map((service) => (
              <Link key={service} className={ui.chip} href={`/failures?callee=${service}&${time.search}`}>
                failures of {service}
              </Link>
            ))}
            <Link className={ui.chip} href={`/timeline?${time.search}`}>
              what else happened
            </Link>
          </div>
        </Panel>
      </div>
    </div>
  );
}

interface WhereProps {
  readonly scope: Scope;
  readonly upstream: readonly string[];
  readonly time: Range;
}

function Where({ scope, upstream, time }: WhereProps) {
  const { callees, callers, routes, instances, version, callerZone, calleeZone } = scope;
  const link = (callee: string) => {
    const service = serviceName(callee);
    return (
      <Link key={callee} className={ui.chip} href={`/services/${service}?${time.search}`}>
        {service}
      </Link>
    );
  };
  const [first = '', ...others] = [...new Set(callees.map(serviceName))];
  const caller = (name: string) =>
    others.length > 0 || name === 'others' ? (
      <span key={name} className={ui.chip}>
        {callerWords(name)}
      </span>
    ) : (
      <Link key={name} className={ui.chip} href={`${edgeHref(name, first)}?${time.search}`}>
        {callerWords(name)}
      </Link>
    );
  return (
    <Facts>
      <Fact name="Services">
        <span className={ui.chips}>{callees.map(link)}</span>
      </Fact>
      <Fact name="Callers">
        {callers ? <span className={ui.chips}>{callers.map((one) => caller(one))}</span> : 'all'}
      </Fact>
      <Fact name="Routes">{routes ? <Mono>{routes.join(', ')}</Mono> : 'all'}</Fact>
      <Fact name="Instances">{instances ? <Instances names={instances} /> : 'all'}</Fact>
      {version !== undefined && <Fact name="Version">{version}</Fact>}
      {callerZone !== undefined && <Fact name="From zone">{callerZone}</Fact>}
      {calleeZone !== undefined && <Fact name="In zone">{calleeZone}</Fact>}
      {upstream.length > 0 && (
        <Fact name="Fail because of it">
          <span className={ui.chips}>{upstream.map(link)}</span>
        </Fact>
      )}
    </Facts>
  );
}

const MOST = 20;

const Instances = ({ names }: { readonly names: readonly string[] }) => (
  <span className={ui.chips}>
    {names.slice(0, MOST).map((one) => {
      const [namespace = '', , name] = one.split('/');
      return name ? (
        <Link key={one} className={ui.chip} href={`/proxies/${namespace}/${name}`}>
          {one}
        </Link>
      ) : (
        <span key={one} className={ui.chip}>
          {one}
        </span>
      );
    })}
    {names.length > MOST && <span className={ui.rowText}>and {counted(names.length - MOST, 'other')}</span>}
  </span>
);
