import { ActionIcon, Button, CopyButton, Skeleton, Tooltip } from '@mantine/core';
import { Check, Copy, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { isProblem } from '../api/client';
import type { Problem, Violation } from '../api/problem';
import { Mono } from './signs';
import css from './ui.module.css';

/** A command to type, with a button that copies it. */
export const Command = ({ children }: { readonly children: string }) => (
  <span className={css.command}>
    <code>{children}</code>
    <CopyButton value={children}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : 'Copy'}>
          <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`Copy: ${children}`}>
            {copied ? <Check size={14} /> : <Copy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  </span>
);

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
  /** What fills it. */
  readonly command?: string;
  readonly action?: ReactNode;
}

/** Nothing is there (yet): says why, and what would be there, and how to get it there. */
export const Empty = ({ title, children, command, action }: EmptyProps) => (
  <div className={css.empty}>
    <svg className={css.emptyArt} width="72" height="44" viewBox="0 0 72 44" aria-hidden="true">
      <g fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round">
        <path d="M8 4v36M22 4v36M36 4v14M36 26v14M50 4v36M64 4v36" />
        <path d="M2 22h28M42 22h28" stroke="var(--h-accent-line)" strokeDasharray="4 5" />
        <circle cx="36" cy="22" r="4.5" stroke="var(--h-accent-line)" />
      </g>
    </svg>
    <p className={css.emptyTitle}>{title}</p>
    {children && <p className={css.emptyText}>{children}</p>}
    {command && <Command>{command}</Command>}
    {action}
  </div>
);

/** What to do about a problem, beyond what it says itself. */
function adviceOf(status: number, code: string): string {
  if (status === 0) return 'This page tries again by itself.';
  if (code === 'plan-stale') return 'Nothing was applied. Plan again on what is there now, and look at the difference.';
  if (code === 'version-conflict' || status === 412)
    return 'Somebody else has written it meanwhile. Load it again, then make your change on top of theirs.';
  if (status === 403) return 'Ask somebody who holds one of these roles, or have a RoleBinding written for you.';
  if (status === 503) return 'Nothing was written. Proxies keep what they have; try again in a moment.';
  if (status === 429) return 'Wait as long as it says, then try again.';
  return '';
}

interface ProblemProps {
  readonly error: unknown;
  readonly retry?: () => void;
}

/** Something went wrong: what, what to do about it, and what the log knows it by. */
export function ProblemView({ error, retry }: ProblemProps) {
  return (
    <div className={`${css.panel} ${css.problem}`} role="alert">
      <div className={css.problemBody}>
        <TriangleAlert size={20} aria-hidden />
        {isProblem(error) ? (
          <Explained problem={error} />
        ) : (
          <>
            <p className={css.problemTitle}>Something went wrong in this page</p>
            <p className={css.problemText}>{error instanceof Error ? error.message : String(error)}</p>
          </>
        )}
        {retry && (
          <div className={css.retry}>
            <Button size="xs" variant="default" onClick={retry}>
              Try again
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

function Explained({ problem }: { readonly problem: Problem }) {
  const { title, missing, requestId } = problem.document;
  const roles = missing?.roles ?? [];
  return (
    <>
      <p className={css.problemTitle}>{title ?? 'The control plane refused'}</p>
      <p className={css.problemText}>
        {problem.message} {adviceOf(problem.status, problem.code)}
      </p>
      {roles.length > 0 && (
        <p className={css.problemText}>
          Roles that have it: <Mono>{roles.join(', ')}</Mono>
        </p>
      )}
      {problem.violations.length > 0 && <Violations items={problem.violations} />}
      {requestId && (
        <p className={css.rowText}>
          request <Mono>{requestId}</Mono>
        </p>
      )}
    </>
  );
}

export const Violations = ({ items }: { readonly items: readonly Violation[] }) => (
  <ul className={css.violations}>
    {items.map(({ path, message, resource }) => (
      <li key={`${resource?.name ?? ''}${path}${message}`}>
        {resource && <span className={css.chip}>{`${resource.kind} ${resource.namespace}/${resource.name}`}</span>}{' '}
        {path && <span className={css.chip}>{path}</span>} {message}
      </li>
    ))}
  </ul>
);

export const Loading = ({ lines = 6 }: { readonly lines?: number }) => (
  <div className={css.panel} aria-busy="true" role="status" aria-label="Loading">
    <div className={css.panelBody}>
      {Array.from({ length: lines }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines that stand for what is not there yet
        <Skeleton key={i} height={14} my={10} width={`${92 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  </div>
);

interface Asked<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
}

/** What a page shows of what it asked for: that it is on its way, that it failed, or itself. */
export function Asked<T>({ of, children }: { readonly of: Asked<T>; readonly children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <ProblemView error={of.error} retry={() => void of.refetch()} />;
  return <Loading />;
}
