import { ChevronRight } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import css from './fold.module.css';

interface FoldProps {
  readonly title: ReactNode;
  readonly end?: ReactNode;
  readonly isOpen?: boolean;
  /** Made when it is opened. */
  readonly children: ReactNode;
}

/** A line that opens. */
export function Fold({ title, end, isOpen = false, children }: FoldProps) {
  const [open, setOpen] = useState(isOpen);
  return (
    <details className={css.fold} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <ChevronRight size={15} aria-hidden />
        <span className={css.name}>{title}</span>
        {end}
      </summary>
      {open && <div className={css.inside}>{children}</div>}
    </details>
  );
}
