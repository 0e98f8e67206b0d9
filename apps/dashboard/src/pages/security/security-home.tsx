import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { viewOf } from '../../api/queries';
import type { SecurityHome as Home, OpenService } from '../../api/views';
import { HOMES, useMesh } from '../../session/session';
import { Page, Panel, Row, Rows, Stats } from '../../ui/page';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import css from '../../ui/ui.module.css';
import { expiryOf } from '../certificates/expiry';

/** The home of who keeps the mesh safe. */
export function SecurityHome() {
  const { name: mesh } = useMesh();
  const home = useQuery(viewOf(mesh, 'security'));
  return (
    <Page title={HOMES.security.title} lead={HOMES.security.lead}>
      <Asked of={home}>{(data) => <Content {...data} />}</Asked>
    </Page>
  );
}

const SOON = 6;

function Content({ trustDomain, mtls, identities, services, open, plaintext, denials, failures }: Home) {
  const soon = identities.filter((one) => expiryOf(one).tone !== 'good');
  return (
    <>
      <Stats
        items={[
          {
            ...{ label: 'Mutual TLS', value: mtls === 'STRICT' ? 'Strict' : 'Permissive', note: trustDomain },
            tone: mtls === 'STRICT' ? 'good' : 'warn',
          },
          { label: 'Identities', value: identities.length, href: '/certificates' },
          { label: 'Need a look', value: soon.length, tone: soon.length > 0 ? 'warn' : 'idle', href: '/certificates' },
          {
            ...{ label: 'Guarded services', note: 'at every port only what policies allow' },
            ...(open
              ? { value: `${services - open.length} of ${services}`, tone: open.length > 0 ? 'warn' : 'good' }
              : { value: 'not known yet', tone: 'idle' }),
          },
          {
            ...{ label: 'Plaintext', value: plaintext.length, note: 'ports in the last day' },
            tone: plaintext.length > 0 ? 'bad' : 'idle',
          },
        ]}
      />
      <div className={css.grid2}>
        <div className={css.column}>
          <Open open={open} services={services} mtls={mtls} />
          {mtls !== 'STRICT' && <Plaintext uses={plaintext} />}
        </div>
        <div className={css.column}>
          <Panel
            title="Expiring"
            flush
            end={
              <Link href="/certificates" className={css.link}>
                All certificates
              </Link>
            }
          >
            {soon.length === 0 ? (
              <Empty title="Nothing expires unseen">
                Certificates and tokens of proxies that are late with their renewal.
              </Empty>
            ) : (
              <Rows label="Identities that need a look">
                {soon.slice(0, SOON).map((one) => (
                  <Row
                    key={`${one.namespace}/${one.instance}`}
                    href={`/proxies/${one.namespace}/${one.instance}`}
                    title={<Mono>{`${one.namespace}/${one.instance}`}</Mono>}
                    text={one.spiffeId}
                    end={<Tag tone={expiryOf(one).tone}>{expiryOf(one).words}</Tag>}
                  />
                ))}
              </Rows>
            )}
          </Panel>
          <Denials denials={denials} failures={failures} />
        </div>
      </div>
    </>
  );
}

const Open = ({ open, services, mtls }: Pick<Home, 'open' | 'services' | 'mtls'>) => (
  <Panel title="Open to every identity" note={open ? counted(open.length, 'service') : ''} flush>
    {open === undefined ? (
      <Empty title="Not known yet">The control plane that answers has not compiled the mesh yet.</Empty>
    ) : open.length === 0 ? (
      <Empty title={services === 0 ? 'No service yet' : 'Every port of every service is guarded'}>
        A port where no AuthorizationPolicy with action ALLOW is in force may be called by every identity of the mesh.
      </Empty>
    ) : (
      <Rows label="Services that every identity may call">
        {open.slice(0, 12).map((one) => (
          <Row
            key={one.service}
            title={
              <Link href={`/services/${one.service}`} className={css.link}>
                <Mono>{one.service}</Mono>
              </Link>
            }
            text={openWords(one, mtls)}
            end={<Guard service={one.service} />}
          />
        ))}
      </Rows>
    )}
  </Panel>
);

/** `port admin; the others are guarded` */
function openWords({ ports, isPartly, denies }: OpenService, mtls: string): string {
  const where = isPartly
    ? `${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}; the others are guarded`
    : 'every port';
  const plaintext = mtls === 'STRICT' ? '' : ', callers without one too';
  return `${where}${denies ? ', but for what a policy denies' : plaintext}`;
}

const Guard = ({ service }: { readonly service: string }) => {
  const { may } = useMesh();
  return may('AuthorizationPolicy') ? (
    <Link
      href={`/resources/AuthorizationPolicy/new?namespace=${service.split('/')[0]}&target=${service.split('/')[1]}`}
      className={css.link}
    >
      Guard {service.split('/')[1]}
    </Link>
  ) : (
    <Tag tone="warn">open</Tag>
  );
};

const Plaintext = ({ uses }: { readonly uses: Home['plaintext'] }) => (
  <Panel title="Plaintext that was taken" note="last day" flush>
    {uses.length === 0 ? (
      <Empty title="Nobody spoke plaintext">
        The mesh still takes it (PERMISSIVE), but nobody used it. Making it STRICT would cut off nobody that was seen.
      </Empty>
    ) : (
      <Rows label="Ports that took plaintext">
        {uses.map(({ proxy, port, requests, at }) => (
          <Row
            key={`${proxy}${port}`}
            title={<Mono>{`${proxy} ${port}`}</Mono>}
            text={<Time at={at} />}
            end={counted(requests, 'request')}
          />
        ))}
      </Rows>
    )}
  </Panel>
);

const Denials = ({ denials, failures }: Pick<Home, 'denials' | 'failures'>) => (
  <Panel title="Who was refused" flush>
    {denials === undefined ? (
      <Empty title="Not yours to see">The audit is for the roles security, auditor and admin.</Empty>
    ) : denials.length + (failures?.length ?? 0) === 0 ? (
      <Empty title="Nobody was refused">Writes without the right to make them, and failed logins, show up here.</Empty>
    ) : (
      <Rows label="Refusals">
        {denials.map(({ at, actor, message, items, action }) => (
          <Row
            key={`${at}${actor}${message}`}
            title={actor}
            text={
              <>
                {message || action} {items.join(', ')}
              </>
            }
            end={<Time at={at} />}
          />
        ))}
        {failures?.map(({ minute, peer, count }) => (
          <Row
            key={`${minute}${peer}`}
            title={<Mono>{peer}</Mono>}
            text={counted(count, 'failed login')}
            end={<Time at={minute} />}
          />
        ))}
      </Rows>
    )}
  </Panel>
);
