import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import css from './table.module.css';

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ReactNode;
  /** Track of the grid: `2fr`, `120px`. */
  readonly width: string;
  readonly atEnd?: boolean;
  /** Not shown on a phone. */
  readonly wide?: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
}

/** Longer lists draw only what is in sight. */
const WHOLE = 80;
const ROW_PX = 51;

/** A list of things, of any length. */
export function Table<T>({ label, columns, rows, keyOf }: TableProps<T>) {
  const tracks = columns.map(({ width }) => (width.endsWith('fr') ? `minmax(0, ${width})` : width)).join(' ');
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows that are not drawn have no place in a table element
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1} className={css.table}>
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      <div role="row" aria-rowindex={1} className={css.head} style={{ gridTemplateColumns: tracks }} tabIndex={-1}>
        {columns.map(({ head, atEnd }) => (
          // biome-ignore lint/a11y/useSemanticElements: as above
          <div key={head} role="columnheader" className={atEnd ? css.end : ''} tabIndex={-1}>
            {head}
          </div>
        ))}
      </div>
      {rows.length > WHOLE ? (
        <Virtual rows={rows} keyOf={keyOf} columns={columns} tracks={tracks} />
      ) : (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div role="rowgroup">
          {rows.map((row, i) => (
            <TableRow key={keyOf(row)} row={row} index={i} columns={columns} tracks={tracks} />
          ))}
        </div>
      )}
    </div>
  );
}

interface BodyProps<T> {
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly columns: readonly Column<T>[];
  readonly tracks: string;
}

function Virtual<T>({ rows, keyOf, columns, tracks }: BodyProps<T>) {
  const ref = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => {
    const measure = (): void => setTop((ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    measure();
    window.addEventListener('resize', measure);
    return () => window.removeEventListener('resize', measure);
  }, []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollMargin: top,
  });
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    <div ref={ref} role="rowgroup" className={css.body} style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start }) => {
        const row = rows[index];
        return row === undefined ? null : (
          <TableRow
            key={keyOf(row)}
            row={row}
            index={index}
            columns={columns}
            tracks={tracks}
            at={start - top}
            measure={virtual.measureElement}
          />
        );
      })}
    </div>
  );
}

interface RowProps<T> {
  readonly row: T;
  readonly index: number;
  readonly columns: readonly Column<T>[];
  readonly tracks: string;
  readonly at?: number;
  readonly measure?: (element: Element | null) => void;
}

function TableRow<T>({ row, index, columns, tracks, at, measure }: RowProps<T>) {
  const place = at === undefined ? {} : { transform: `translateY(${at}px)` };
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    <div
      role="row"
      tabIndex={-1}
      ref={measure}
      data-index={index}
      aria-rowindex={index + 2}
      className={`${css.row} ${at === undefined ? '' : css.virtual}`}
      style={{ gridTemplateColumns: tracks, ...place }}
    >
      {columns.map(({ head, cell, atEnd, wide }) => (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div key={head} role="cell" className={`${css.cell} ${atEnd ? css.end : ''} ${wide ? css.wide : ''}`}>
          {cell(row)}
        </div>
      ))}
    </div>
  );
}

interface NameProps {
  readonly href: string;
  readonly name: ReactNode;
  readonly under?: ReactNode;
}

/** The first cell of a row: what it is, and where the row leads. */
export const Name = ({ href, name, under }: NameProps) => (
  <>
    <Link href={href} className={css.main}>
      <span className={css.name}>{name}</span>
    </Link>
    {under !== undefined && <span className={css.under}>{under}</span>}
  </>
);
