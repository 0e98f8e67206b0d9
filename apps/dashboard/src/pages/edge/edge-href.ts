/** Of the page about what one workload asks of one service. @param caller '' = who has no identity */
export const edgeHref = (caller: string, service: string): string =>
  `/services/${service}/callers/${caller === '' ? '-/-' : caller}`;

/** @param namespace `-` = who has no identity */
export const callerOf = (namespace: string, name: string): string => (namespace === '-' ? '' : `${namespace}/${name}`);
