/** A staged change for one reader. */
import type { StagedReportView, StagedView } from '#libs/changes';
import { openWave } from '#libs/kernel';
import type { StagedChange } from '#libs/store';
import { asItWas } from '../access/visible-changes.js';
import type { Reader } from '../plan/visible-plan.js';

/** Cut to what its reader may see. */
export function viewOfStaged(change: StagedChange, { may }: Pick<Reader, 'may'>, seen?: StagedReportView): StagedView {
  const items = change.items.filter((item) => may(asItWas(item.id, item.op === 'put' ? item.manifest : undefined)));
  const members = change.members.filter((proxy) => {
    const [namespace = '', name = ''] = proxy.split('/');
    return may({ kind: 'Proxy', namespace, name });
  });
  const hidden = change.items.length - items.length + change.members.length - members.length;
  const { waitsFor = '', ...rest } = seen ?? {};
  const mayAll = hidden === 0;
  return {
    ...{ id: change.id, mesh: change.mesh, state: change.state, actor: change.actor.name },
    message: items.length > 0 || mayAll ? change.message : '',
    ...{ createdAt: change.createdAt, stepAt: change.stepAt },
    items: items.map(({ op, id }) => ({ op, ...id })),
    ...{ waves: change.options.waves, wave: openWave(change), members },
    change: change.appliedRevision === undefined ? undefined : `c-${change.appliedRevision}`,
    // Hosts, and Envoy's words, are of proxies.
    reason: mayAll ? change.reason || waitsFor : '',
    confirmWithinSeconds: change.confirmLeftMs === undefined ? undefined : Math.ceil(change.confirmLeftMs / 1_000),
    ...(seen && mayAll ? { seen: rest as Omit<StagedReportView, 'waitsFor'> } : {}),
    ...(hidden > 0 ? { hidden } : {}),
  };
}
