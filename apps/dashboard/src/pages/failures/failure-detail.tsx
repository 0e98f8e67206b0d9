import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { FailureView } from '../../api/signals';
import { callerWords, msWords, outcomeWords, serviceName } from '../../signals/words';
import { Fact, Facts } from '../../ui/page';
import { counted, Mono } from '../../ui/signs';
import ui from '../../ui/ui.module.css';
import { edgeHref } from '../edge/edge-href';
import css from './failures.module.css';

interface FailureDetailProps {
  readonly of: FailureView | undefined;
  readonly onClose: () => void;
}

/** All that is known of one failure. Texts come from sidecars and callers: they are text here, whatever is in them. */
export function FailureDetail({ of, onClose }: FailureDetailProps) {
  return (
    <Drawer.Root opened={of !== undefined} onClose={onClose} position="right" size="md">
      <Drawer.Overlay />
      <Drawer.Content>
        <Drawer.Body>
          <div className={css.detailHead}>
            <Drawer.Title fw={620}>
              {of?.what === 'attempt' ? 'An attempt that failed' : 'A request that failed'}
            </Drawer.Title>
            <Drawer.CloseButton aria-label="Close" />
          </div>
          {of && <Content of={of} onClose={onClose} />}
        </Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}

const words = (text: string): ReactNode => (text === '' ? '–' : <Mono>{text}</Mono>);

function Content({ of, onClose }: { readonly of: FailureView; readonly onClose: () => void }) {
  const service = serviceName(of.callee);
  const [namespace = '', , name] = of.instance.split('/');
  const isKnown = of.caller !== 'others' && of.callee !== 'others';
  return (
    <Facts>
      <Fact name="When">{new Date(of.at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })}</Fact>
      <Fact name="What">
        {of.what === 'attempt' ? `attempt ${of.attempt}` : `the request, after ${counted(of.attempt, 'attempt')}`}
      </Fact>
      <Fact name="How it failed">{outcomeWords(of.outcome)}</Fact>
      <Fact name="Caller">
        {callerWords(of.caller)} {of.callerInstance && <span className={ui.rowText}>{of.callerInstance}</span>}
      </Fact>
      <Fact name="Service">
        {of.callee === 'others' ? (
          callerWords(of.callee)
        ) : (
          <Link href={`/services/${service}`} className={ui.link}>
            {service}
          </Link>
        )}
      </Fact>
      <Fact name="Instance">
        {name ? (
          <Link href={`/proxies/${namespace}/${name}`} className={ui.link}>
            {of.instance}
          </Link>
        ) : (
          of.instance || 'none was chosen'
        )}
      </Fact>
      <Fact name="Request">
        <Mono>
          {of.method} {of.path}
        </Mono>
      </Fact>
      <Fact name="Status">{of.status === 0 ? 'none came' : of.status}</Fact>
      <Fact name="Envoy's flags">{words(of.flags)}</Fact>
      <Fact name="Envoy's words">{words(of.details)}</Fact>
      <Fact name="Route">{words(of.route)}</Fact>
      {of.subset && <Fact name="Subset">{words(of.subset)}</Fact>}
      <Fact name="Took">{msWords(of.durationMs)}</Fact>
      <Fact name="Request id">
        {of.requestId === '' ? (
          '–'
        ) : (
          <Link
            href={`/failures?requestId=${encodeURIComponent(of.requestId)}&range=24h`}
            className={ui.link}
            onClick={onClose}
          >
            {of.requestId}
          </Link>
        )}
      </Fact>
      {isKnown && (
        <Fact name="See">
          <Link href={edgeHref(of.caller, service)} className={ui.link}>
            How the caller's requests to it fare
          </Link>
        </Fact>
      )}
    </Facts>
  );
}
