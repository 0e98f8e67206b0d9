/** What one proxy may see, from its registration down. */
import { defineQuery } from '#libs/incremental';
import { sortedUnique } from '#libs/kernel';
import { SERVICES_OF_INSTANCE } from './destinations.js';
import { ALL, INSTANCE, SERVICE } from './inputs.js';
import { hasFeature, LAYERS, listing, type Which } from './layers.js';
import { meshOf } from './mesh-settings.js';
import { resourceCell } from './names.js';
import { listeningAt, slash16 } from './outbound.js';
import { PROXY_PLACE } from './proxy-patches.js';

/** What an instance calls: everything, or what the services that select it declare, taken together. */
const SCOPE_OF = defineQuery<string>({
  name: 'scope-of',
  run: (ctx, key) => {
    if (meshOf(ctx).scoping === 'All') return ALL;
    const services = ctx.get(SERVICES_OF_INSTANCE, key).flatMap((name) => ctx.input(SERVICE, name) ?? []);
    return sortedUnique(services.flatMap((service) => service.dependencies)).join(',');
  },
});

/** Layer cells of an instance's view, in order, by `<namespace>/<instance>`. */
export const VIEW = defineQuery<readonly string[]>({
  name: 'view',
  lists: listing(() => LAYERS),
  run: (ctx, key) => {
    const instance = ctx.input(INSTANCE, key);
    if (!instance) return [];
    const scope = ctx.get(SCOPE_OF, key);
    const which: Which = hasFeature(ctx, key, 'srds') ? 'some' : 'every';
    const prefix = slash16(instance.outbound.address);
    const place = ctx.get(PROXY_PLACE, `${instance.namespace}/${instance.workload}`);
    return [
      resourceCell('services', scope),
      ...(prefix === undefined ? [] : [resourceCell('addresses', `${listeningAt(prefix, place)}|${which}|${scope}`)]),
      resourceCell('ns', `${instance.namespace}|${scope}`),
      resourceCell('workload', `${instance.namespace}/${instance.workload}`),
      resourceCell('instance', key),
    ];
  },
});
