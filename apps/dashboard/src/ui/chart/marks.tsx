import { Tooltip } from '@mantine/core';
import type { ComponentType } from 'react';
import { Link } from 'wouter';
import type { Tone } from '../tone';
import ui from '../ui.module.css';
import css from './chart.module.css';
import { type Frame, leftOf, shareOf, timeWords } from './frame';
import { gathered } from './steps';

/** Something that happened, to be drawn over a chart. */
export interface Mark {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `Change`, for the name of its link. */
  readonly what: string;
  /** It may hold what anybody wrote. */
  readonly title: string;
  readonly href: string;
  readonly tone: Tone;
  readonly icon: ComponentType<{ readonly size?: number | string; readonly 'aria-hidden'?: boolean }>;
}

interface MarksProps {
  readonly frame: Frame;
  readonly marks: readonly Mark[];
  /** Where several that lie over each other are shown one by one. */
  readonly hrefOf: (from: number, to: number) => string;
}

const NEAR = 0.03;
const WORST: readonly Tone[] = ['bad', 'warn', 'accent', 'good', 'idle'];
const NAMED = 3;

/** What happened, over the charts whose lines it may have moved: a link each. */
export function Marks({ frame, marks, hrefOf }: MarksProps) {
  const groups = gathered(marks, frame, NEAR);
  if (groups.length === 0) return null;
  return (
    <ul className={css.marks} aria-label="What happened">
      {groups.map((group) => {
        const [first] = group;
        return first ? (
          <li key={`${first.at} ${first.title}`} style={{ left: placeOf(group, frame) }}>
            {group.length === 1 ? (
              <One mark={first} frame={frame} />
            ) : (
              <Several marks={group} frame={frame} href={hrefOf(first.at, (group.at(-1) ?? first).at)} />
            )}
          </li>
        ) : null;
      })}
    </ul>
  );
}

/** Half of a mark, and its distance to the edge of the panel: none is cut. Pixels. */
const HALF_PX = 16;

const placeOf = (group: readonly Mark[], frame: Frame): string =>
  `clamp(${HALF_PX}px, ${leftOf(shareOf(middleOf(group), frame))}, 100% - ${HALF_PX}px)`;

const middleOf = (group: readonly Mark[]): number => ((group[0]?.at ?? 0) + (group.at(-1)?.at ?? 0)) / 2;

const wordsOf = ({ at, what, title }: Mark, frame: Frame): string => `${timeWords(at, frame)} ${what}: ${title}`;

const One = ({ mark, frame }: { readonly mark: Mark; readonly frame: Frame }) => (
  <Tooltip label={wordsOf(mark, frame)} multiline maw={340}>
    <Link href={mark.href} className={`${css.mark} ${ui[mark.tone]}`} aria-label={wordsOf(mark, frame)}>
      <mark.icon size={14} aria-hidden />
    </Link>
  </Tooltip>
);

interface SeveralProps {
  readonly marks: readonly Mark[];
  readonly frame: Frame;
  readonly href: string;
}

function Several({ marks, frame, href }: SeveralProps) {
  const tone = WORST.find((one) => marks.some((mark) => mark.tone === one)) ?? 'idle';
  const named = marks.slice(0, NAMED).map((mark) => wordsOf(mark, frame));
  const rest = marks.length > NAMED ? ` and ${marks.length - NAMED} more` : '';
  const words = `${marks.length} at about the same time. ${named.join('; ')}${rest}`;
  return (
    <Tooltip label={words} multiline maw={340}>
      <Link href={href} className={`${css.mark} ${ui[tone]}`} aria-label={words}>
        <span aria-hidden>{marks.length}</span>
      </Link>
    </Tooltip>
  );
}
