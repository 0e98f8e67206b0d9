import css from './release.module.css';

interface WavesProps {
  /** Percent. */
  readonly waves: readonly number[];
  /** From 1; 0 = not opened, or everybody has it. */
  readonly wave: number;
  readonly state: string;
}

const stateOf = (index: number, { wave, state }: WavesProps): 'past' | 'now' | 'next' => {
  if (state === 'done' || state === 'watched') return 'past';
  if (wave === 0) return 'next';
  return index < wave ? 'past' : index === wave ? 'now' : 'next';
};

/** How a change goes to some proxies first, then to more, then to all. */
export const Waves = (props: WavesProps) => (
  <ol className={css.waves} aria-label="Waves" style={{ listStyle: 'none', margin: 0, padding: 0 }}>
    {[...props.waves, 100].map((share, i) => {
      const state = stateOf(i + 1, props);
      return (
        <li key={share} className={css.wave} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
          {share === 100 ? 'everybody' : `${share} %`}
        </li>
      );
    })}
  </ol>
);
