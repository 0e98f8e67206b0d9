import css from './ui.module.css';

export const Labels = ({ labels }: { readonly labels: Readonly<Record<string, string>> }) => {
  const pairs = Object.entries(labels);
  return pairs.length === 0 ? (
    <span className={css.rowText}>none</span>
  ) : (
    <span className={css.chips}>
      {pairs.map(([name, value]) => (
        <span key={name} className={css.chip}>{`${name}=${value}`}</span>
      ))}
    </span>
  );
};
