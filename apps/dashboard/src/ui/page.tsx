import { ChevronLeft } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { Link } from 'wouter';
import type { Tone } from './tone';
import css from './ui.module.css';

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

interface PageProps {
  readonly title: string;
  /** In place of the text of the title, where it is more than text. */
  readonly heading?: ReactNode;
  readonly lead?: ReactNode;
  readonly crumbs?: readonly Crumb[];
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page: its one heading, the way up, and what it is about. */
export function Page({ title, heading, lead, crumbs = [], actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Heddle`;
  }, [title]);
  return (
    <div className={css.page}>
      <header className={css.head}>
        <div className={css.headText}>
          {crumbs.length > 0 && (
            <nav className={css.crumbs} aria-label="Way up">
              {crumbs.map(({ text, href }) => (
                <span key={href} className={css.crumbs} style={{ margin: 0 }}>
                  <ChevronLeft size={14} aria-hidden />
                  <Link href={href}>{text}</Link>
                </span>
              ))}
            </nav>
          )}
          <h1 className={css.title}>{heading ?? title}</h1>
          {lead && <p className={css.lead}>{lead}</p>}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface PanelProps {
  readonly title: string;
  readonly note?: ReactNode;
  readonly end?: ReactNode;
  /** Its content has its own distance to the edge. */
  readonly flush?: boolean;
  readonly children: ReactNode;
}

export function Panel({ title, note, end, flush = false, children }: PanelProps) {
  return (
    <section className={css.panel} aria-label={title}>
      <div className={css.panelHead}>
        <h2>{title}</h2>
        {note !== undefined && <span className={css.panelNote}>{note}</span>}
        {end && <div className={css.panelEnd}>{end}</div>}
      </div>
      {flush ? children : <div className={css.panelBody}>{children}</div>}
    </section>
  );
}

export interface StatProps {
  readonly label: string;
  readonly value: number | string;
  readonly note?: string;
  readonly tone?: Tone;
  readonly href?: string;
}

export function Stats({ items }: { readonly items: readonly StatProps[] }) {
  return (
    <div className={css.stats}>
      {items.map((item) => (
        <Stat key={item.label} {...item} />
      ))}
    </div>
  );
}

function Stat({ label, value, note, tone, href }: StatProps) {
  const content = (
    <>
      <span className={css.statLabel}>
        {tone && <span className={`${css.dot} ${css[tone]}`} aria-hidden />}
        {label}
      </span>
      <div className={`${css.statValue} ${tone && tone !== 'idle' ? `${css.value} ${css[tone]}` : ''}`}>{value}</div>
      {note && <div className={css.statNote}>{note}</div>}
    </>
  );
  return href ? (
    <Link href={href} className={css.stat}>
      {content}
    </Link>
  ) : (
    <div className={css.stat}>{content}</div>
  );
}

export const Facts = ({ children }: { readonly children: ReactNode }) => <dl className={css.facts}>{children}</dl>;

export const Fact = ({ name, children }: { readonly name: string; readonly children: ReactNode }) => (
  <>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </>
);

interface RowProps {
  readonly title: ReactNode;
  readonly text?: ReactNode;
  readonly end?: ReactNode;
  readonly href?: string;
}

/** A line of a list in a panel. */
export function Row({ title, text, end, href }: RowProps) {
  const content = (
    <>
      <div className={css.rowMain}>
        <div className={css.rowTitle}>{title}</div>
        {text && <div className={css.rowText}>{text}</div>}
      </div>
      {end && <div className={css.rowEnd}>{end}</div>}
    </>
  );
  return (
    <li>
      {href ? (
        <Link href={href} className={css.row}>
          {content}
        </Link>
      ) : (
        <div className={css.row}>{content}</div>
      )}
    </li>
  );
}

export const Rows = ({ label, children }: { readonly label: string; readonly children: ReactNode }) => (
  <ul className={css.list} aria-label={label}>
    {children}
  </ul>
);
