import type { AlertView } from '../../api/signals';
import { Row, Rows } from '../../ui/page';
import { Tag, Time } from '../../ui/signs';
import type { Tone } from '../../ui/tone';

export const isOpen = ({ state }: AlertView): boolean => state === 'firing' || state === 'pending';
export const isSilenced = ({ silence }: AlertView): boolean => silence !== null;

const SEVERITIES: Readonly<Record<string, Tone>> = { critical: 'bad', warning: 'warn', info: 'accent' };

export function AlertTag({ state, severity }: Pick<AlertView, 'state' | 'severity'>) {
  if (state === 'firing') return <Tag tone={SEVERITIES[severity] ?? 'warn'}>{severity || 'firing'}</Tag>;
  return <Tag tone={state === 'pending' ? 'warn' : 'good'}>{state === 'resolved' ? 'over' : state}</Tag>;
}

interface AlertRowsProps {
  readonly label: string;
  readonly alerts: readonly AlertView[];
}

export const AlertRows = ({ label, alerts }: AlertRowsProps) => (
  <Rows label={label}>
    {alerts.map((alert) => (
      <Row
        key={alert.fingerprint}
        href={`/alerts/${alert.fingerprint}`}
        title={alert.name}
        text={
          <>
            {alert.summary}
            <br />
            {alert.namespace === '' ? 'the mesh' : alert.namespace}, since <Time at={alert.since} />
            {alert.unknownSeconds > 0 && `, nothing known for ${alert.unknownSeconds} s`}
          </>
        }
        end={<AlertTag {...alert} />}
      />
    ))}
  </Rows>
);
