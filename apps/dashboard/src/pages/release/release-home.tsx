import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { viewOf } from '../../api/queries';
import type { StagedView } from '../../api/types';
import type { ReleaseHome as Home, VersionedService, VersionView } from '../../api/views';
import { HOMES, useMesh } from '../../session/session';
import { Page, Panel, Row, Rows } from '../../ui/page';
import { idOf } from '../../ui/resource';
import { counted, Mono, Tag, Time, Weave } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { toneOf } from '../../ui/tone';
import ui from '../../ui/ui.module.css';
import { TrialActions } from '../change/trial-actions';
import { instanceStrands } from '../services/services-page';
import css from './release.module.css';
import { Waves } from './waves';

/** The home of who brings out releases. */
export function ReleaseHome() {
  const { name: mesh } = useMesh();
  const home = useQuery(viewOf(mesh, 'release'));
  return (
    <Page title={HOMES.release.title} lead={HOMES.release.lead}>
      <Asked of={home}>{(data) => <Content {...data} />}</Asked>
    </Page>
  );
}

function Content({ open, over, services }: Home) {
  return (
    <div className={ui.grid2}>
      <div className={ui.column}>
        <Panel title="On trial" note={open.length > 0 ? counted(open.length, 'change') : ''} flush>
          {open.length === 0 ? (
            <Empty title="Nothing is on trial" command="heddle apply -f route.yaml --canary 5,25 --wait">
              A change can go to a share of the proxies first. It goes on by itself while they are well, and is taken
              back when they are not.
            </Empty>
          ) : (
            open.map((trial) => <Trial key={trial.id} {...trial} />)
          )}
        </Panel>
        {over.length > 0 && (
          <Panel title="Lately" flush>
            <Rows label="Trials that are over">
              {over.slice(0, 8).map((trial) => (
                <Row
                  key={trial.id}
                  href={`/changes/${trial.id}`}
                  title={titleOf(trial)}
                  text={
                    <>
                      {trial.id}, <Time at={trial.createdAt} />
                      {trial.reason && `: ${trial.reason}`}
                    </>
                  }
                  end={<Tag tone={toneOf(trial.state)}>{trial.state}</Tag>}
                />
              ))}
            </Rows>
          </Panel>
        )}
      </div>
      <Panel title="Versions side by side" note="by the label version" flush>
        {services.length === 0 ? (
          <Empty
            title="No instance says its version"
            command="heddle token create --workload orders --label version=green"
          >
            Instances that carry a label <Mono>version</Mono> are shown beside one another, with their share of the
            requests.
          </Empty>
        ) : (
          services.map((service) => <Versions key={`${service.namespace}/${service.name}`} {...service} />)
        )}
      </Panel>
    </div>
  );
}

/** The message is kept from who may read nothing that it writes. */
const titleOf = ({ message, items }: StagedView): string =>
  message || items.map(idOf).join(', ') || 'a change of what you may not see';

const Trial = (trial: StagedView) => (
  <div className={css.trial}>
    <div className={css.trialHead}>
      <Link href={`/changes/${trial.id}`} className={ui.link}>
        {trial.id}
      </Link>
      <strong>{titleOf(trial)}</strong>
      <Tag tone={toneOf(trial.state)}>{trial.state}</Tag>
    </div>
    <Waves {...trial} />
    <div className={ui.rowText}>
      {trial.actor}, <Time at={trial.createdAt} />. {trial.reason}
      {trial.members.length > 0 && ` ${counted(trial.members.length, 'proxy has it', 'proxies have it')}.`}
      {trial.hidden !== undefined && ` ${trial.hidden} of its resources and proxies you may not see.`}
    </div>
    <TrialActions id={trial.id} state={trial.state} confirmLeft={trial.confirmWithinSeconds} />
  </div>
);

const Versions = ({ namespace, name, versions, route }: VersionedService) => (
  <div className={css.service}>
    <div className={css.serviceHead}>
      <Link href={`/services/${namespace}/${name}`} className={ui.link}>
        {name}
      </Link>
      <span className={ui.rowText}>
        {namespace}
        {route && `, split by ${route}`}
      </span>
    </div>
    <div className={css.lanes}>
      {versions.map((version) => (
        <Lane key={version.version} {...version} />
      ))}
    </div>
  </div>
);

const Lane = ({ version, total, ready, weight }: VersionView) => (
  <div className={css.lane}>
    <div className={css.laneHead}>
      <Mono>{version || 'no version'}</Mono>
      {weight !== undefined && <span>{weight} %</span>}
    </div>
    {weight !== undefined && (
      <div className={css.share} role="img" aria-label={`${weight} percent of the requests`}>
        <span style={{ width: `${weight}%` }} />
      </div>
    )}
    <Weave strands={instanceStrands({ total, ready })} />
    <span className={ui.rowText}>
      {ready} of {total} ready
    </span>
  </div>
);
