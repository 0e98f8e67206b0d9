import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { alertsOf } from '../../api/alerts';
import { useMesh } from '../../session/session';
import { Panel } from '../../ui/page';
import { counted } from '../../ui/signs';
import ui from '../../ui/ui.module.css';
import { AlertRows, isOpen, isSilenced } from './alert-rows';

const SHOWN = 5;

/** What fires: for a home. Nothing where nothing does, or for who may not read alerts. */
export function AlertsPanel() {
  const { name: mesh } = useMesh();
  const alerts = useQuery(alertsOf(mesh));
  const open = (alerts.data?.items ?? []).filter((one) => isOpen(one) && !isSilenced(one));
  if (open.length === 0) return null;
  return (
    <Panel
      title="What is the matter"
      note={counted(open.length, 'alert')}
      flush
      end={
        <Link href="/alerts" className={ui.link}>
          All
        </Link>
      }
    >
      <AlertRows label="Open alerts" alerts={open.slice(0, SHOWN)} />
    </Panel>
  );
}
