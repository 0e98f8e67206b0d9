import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { BellOff } from 'lucide-react';
import { useState } from 'react';
import { post } from '../../api/client';
import type { AlertView, Silence } from '../../api/signals';
import { useMesh } from '../../session/session';
import { Dialog } from '../../ui/dialog';
import { ProblemView } from '../../ui/states';
import ui from '../../ui/ui.module.css';

const LENGTHS = [
  { value: '1800', label: '30 minutes' },
  { value: '7200', label: '2 hours' },
  { value: '28800', label: '8 hours' },
  { value: '86400', label: 'a day' },
  { value: '604800', label: 'a week' },
];

/** Of every alert, or of its place in the mesh: neither tells alerts of a rule apart. */
const OF_ALL = ['alertname', 'mesh', 'namespace', 'severity'];

const matcherOf = ([label, value]: readonly [string, string]): string => `${label}=${JSON.stringify(value)}`;

/** Nobody is told of an alert for a while: of this one, or of all of its rule. */
export function SilenceAlert({ alert }: { readonly alert: AlertView }) {
  const { name: mesh } = useMesh();
  const queries = useQueryClient();
  const [isOpen, { open, close }] = useDisclosure(false);
  const [seconds, setSeconds] = useState('7200');
  const [reason, setReason] = useState('');
  const [isOfRule, setOfRule] = useState(false);
  const own = Object.entries(alert.labels).filter(([label]) => !OF_ALL.includes(label));
  const matchers = [['alertname', alert.name] as const, ...(isOfRule ? [] : own)].map(matcherOf);
  const silencing = useMutation({
    mutationFn: () =>
      post<Silence>(`/api/v1/meshes/${mesh}/silences`, {
        ...{ namespace: alert.namespace, matchers, reason, seconds: Number(seconds) },
      }),
    onSuccess: close,
    onSettled: () => queries.invalidateQueries({ queryKey: ['mesh', mesh] }),
  });
  return (
    <>
      <Button variant="default" leftSection={<BellOff size={15} aria-hidden />} onClick={open}>
        Silence
      </Button>
      <Dialog opened={isOpen} onClose={close} title={`Silence ${alert.name}`}>
        <p className={ui.problemText}>
          Nobody is told of it until then. It stays on this page, and what somebody was told fires he is told to be over
          all the same.
        </p>
        <Select
          mt={14}
          label="For"
          data={LENGTHS}
          value={seconds}
          allowDeselect={false}
          onChange={(value) => setSeconds(value ?? '7200')}
        />
        <TextInput
          mt={14}
          label="Why"
          description="For everybody who wonders."
          required
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {own.length > 0 && (
          <Checkbox
            mt={14}
            label={`Every alert of ${alert.name}, not only this one`}
            checked={isOfRule}
            onChange={(event) => setOfRule(event.currentTarget.checked)}
          />
        )}
        {silencing.error && <ProblemView error={silencing.error} />}
        <div className={ui.actions} style={{ marginTop: 20, justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button disabled={reason.trim() === ''} loading={silencing.isPending} onClick={() => silencing.mutate()}>
            Silence it
          </Button>
        </div>
      </Dialog>
    </>
  );
}
