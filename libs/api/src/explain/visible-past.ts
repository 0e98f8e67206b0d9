/** Answers about the past without what the caller may not read, and how much that was. */
import type { InstanceOfService, ProxyOfRevision, ProxyThen, ServiceThen } from '#libs/changes';
import type { Seen } from '../access/access-control.js';
import type { ProxyOfRevisionView, ProxyThenView } from '../views.js';
import { Filter, type MaySee, told } from './visible.js';

const instanceSeen = ({ namespace, name }: InstanceOfService): Seen => ({ kind: 'Instance', namespace, name });

export function visibleThen(may: MaySee, found: ProxyThen): ProxyThenView {
  const filter = new Filter(may);
  const services = filter
    .only(found.services, ({ about }) => about)
    .map((service): ServiceThen => ({ ...service, instances: filter.only(service.instances, instanceSeen) }));
  const shown = {
    ...found,
    resources: filter.resources(found.resources),
    refused: filter.resources(found.refused),
    services,
    gone: filter.only(found.gone, instanceSeen),
  };
  return { ...told(shown), hidden: filter.hidden };
}

export function visibleOfRevision(may: MaySee, found: ProxyOfRevision): ProxyOfRevisionView {
  const filter = new Filter(may);
  const shown = {
    ...found,
    resources: filter.resources(found.resources),
    added: filter.resources(found.added),
    withheld: filter.only(found.withheld, (one) => one),
  };
  return { ...told(shown), hidden: filter.hidden };
}
