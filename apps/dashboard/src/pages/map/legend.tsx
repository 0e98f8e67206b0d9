import { Lock, LockOpen } from 'lucide-react';
import ui from '../../ui/ui.module.css';
import css from './map.module.css';

const NODES = [
  ['good', 'all instances ready, requests answered'],
  ['warn', 'some are not, or some requests fail'],
  ['bad', 'none is, or many requests fail'],
  ['idle', 'no instances'],
] as const;

export const Legend = () => (
  <div className={css.legend}>
    {NODES.map(([tone, words]) => (
      <span key={tone}>
        <span className={`${ui.dot} ${ui[tone]}`} aria-hidden />
        {words}
      </span>
    ))}
    <span>on a line: requests a second, share that fails, p99</span>
    <span>
      <Lock size={12} aria-hidden /> mutual TLS, verified identity
    </span>
    <span>
      <LockOpen size={12} aria-hidden /> plaintext or unknown identity
    </span>
    <span>
      <span className={css.dashed} aria-hidden /> declared, not used in this time
    </span>
  </div>
);
