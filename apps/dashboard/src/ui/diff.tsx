import { structuredPatch } from 'diff';
import { stringify } from 'yaml';
import type { FieldChange } from '../api/types';
import css from './diff.module.css';

/** A document as people write it. */
export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 100 }).trimEnd();

const LABELS: Readonly<Record<FieldChange['op'], string>> = {
  add: 'added',
  remove: 'removed',
  change: 'changed',
  move: 'moved',
};

const shown = (value: unknown): string => (typeof value === 'string' ? value : yamlOf(value));

/** What became of single fields. Values are text, whatever is in them. */
export const Fields = ({ fields }: { readonly fields: readonly FieldChange[] }) => (
  <div className={css.fields}>
    {fields.map(({ path, op, before, after }) => (
      <div key={path + op} className={css.field}>
        <div className={css.path}>
          <span>{path}</span>
          <span>{LABELS[op]}</span>
        </div>
        {before !== undefined && <Lines sign="-" text={shown(before)} />}
        {after !== undefined && <Lines sign="+" text={shown(after)} />}
      </div>
    ))}
  </div>
);

const STYLE: Readonly<Record<string, string | undefined>> = { '+': css.added, '-': css.removed };
const WORDS: Readonly<Record<string, string>> = { '+': 'added: ', '-': 'removed: ' };

const Lines = ({ sign, text }: { readonly sign: string; readonly text: string }) => (
  <>
    {text.split('\n').map((line, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: lines have nothing else to be told apart by
      <Line key={i} sign={sign} text={line} />
    ))}
  </>
);

const Line = ({ sign, text }: { readonly sign: string; readonly text: string }) => (
  <div className={`${css.line} ${STYLE[sign] ?? ''}`}>
    <span aria-hidden>{sign}</span>
    <span>
      {WORDS[sign] && <span className="unseen">{WORDS[sign]}</span>}
      {text}
    </span>
  </div>
);

/** Two documents, line by line; undefined = there is none on that side. */
export function DocumentDiff({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const [a, b] = [before, after].map((one) => (one === undefined || one === null ? '' : `${yamlOf(one)}\n`));
  const { hunks } = structuredPatch('', '', a ?? '', b ?? '', '', '', { context: 3 });
  return (
    <div className={css.text}>
      {hunks.map(({ oldStart, lines }, i) => (
        <div key={oldStart}>
          {i > 0 && <div className={css.gap}>line {oldStart}</div>}
          {lines
            .filter((line) => !line.startsWith('\\'))
            .map((line, k) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <Line key={k} sign={line.slice(0, 1)} text={line.slice(1)} />
            ))}
        </div>
      ))}
    </div>
  );
}

export const Document = ({ value }: { readonly value: unknown }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
  <pre className={css.code} tabIndex={0}>
    {yamlOf(value)}
  </pre>
);
