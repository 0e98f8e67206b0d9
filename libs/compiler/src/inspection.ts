/** What whoever judges a change may ask of a mesh's graph or fork: the compiler's own words for it. */
export { governing } from './attachments.js';
export {
  type Destination,
  destinationOf,
  destinationsIn,
  isHttp,
  isHttp2,
  SELECTED,
  SERVICES_OF_INSTANCE,
} from './destinations.js';
export * from './explain/guards.js';
export * from './explain/inputs.js';
export * from './explain/places.js';
export * from './explain/seen.js';
export { idOfValue, resourceOfInput } from './input-ids.js';
export { INSTANCE, ROUTABLE, ROUTE, SERVICE } from './inputs.js';
export {
  destinationKey,
  OUTBOUND_LISTENER,
  outboundListenerName,
  portOfListener,
  routeName,
  splitClusterName,
  splitDestinationKey,
  splitRouteName,
  splitScopeName,
} from './names.js';
export { applied, clientPatch, policyAt, portTargets, routeTargets, sideOf } from './policies.js';
export { timed } from './route-actions.js';
export { type RankedMatch, rankedMatches, trimSlash } from './route-matches.js';
export { type Scraping, type SharedTags, scrapingIn, sharedTags } from './scraping.js';
