import { useQuery } from '@tanstack/react-query';
import { alertsOf, silencesOf } from '../../api/alerts';
import { useMesh } from '../../session/session';
import { Page, Panel, Stats } from '../../ui/page';
import { Asked, Empty } from '../../ui/states';
import { Tabs } from '../../ui/tabs';
import { AlertRows, isOpen, isSilenced } from './alert-rows';
import { History } from './history';
import { Objectives } from './objectives';
import { Silences } from './silences';

/** What is the matter, what was, and how objectives stand. */
export function AlertsPage() {
  const { name: mesh } = useMesh();
  const alerts = useQuery(alertsOf(mesh));
  const silences = useQuery(silencesOf(mesh));
  const all = alerts.data?.items ?? [];
  const open = all.filter((one) => isOpen(one) && !isSilenced(one));
  const silenced = all.filter((one) => isOpen(one) && isSilenced(one));
  return (
    <Page title="Alerts" lead="What is the matter, the most urgent first. AlertReceivers say who is told.">
      <Asked of={alerts}>
        {({ hidden }) => (
          <>
            <Stats
              items={[
                {
                  ...{ label: 'Firing', value: open.filter(({ state }) => state === 'firing').length },
                  tone: open.some(({ state }) => state === 'firing') ? 'bad' : 'good',
                },
                {
                  ...{ label: 'Pending', value: open.filter(({ state }) => state === 'pending').length },
                  note: 'hold, but not for long enough',
                },
                { label: 'Silenced', value: silenced.length, href: '/alerts?show=silenced' },
                ...(hidden > 0 ? [{ label: 'Not for you', value: hidden, note: 'of other namespaces' }] : []),
              ]}
            />
            <Panel title="All alerts" flush>
              <Tabs
                label="Which alerts"
                param="show"
                tabs={[
                  {
                    ...{ name: 'open', title: 'Open', count: open.length },
                    content: () => (open.length === 0 ? <AllWell /> : <AlertRows label="Open alerts" alerts={open} />),
                  },
                  {
                    ...{ name: 'silenced', title: 'Silenced', count: silenced.length },
                    content: () => <Silences silenced={silenced} silences={silences} />,
                  },
                  { name: 'history', title: 'History', content: () => <History /> },
                  { name: 'objectives', title: 'Objectives', content: () => <Objectives /> },
                ]}
              />
            </Panel>
          </>
        )}
      </Asked>
    </Page>
  );
}

const AllWell = () => (
  <Empty title="Nothing is the matter" command="heddle alerts rules">
    Proxies, certificates, the control plane and the traffic are looked at every ten seconds. An AlertRule watches what
    matters to you; an AlertReceiver says who is told.
  </Empty>
);
