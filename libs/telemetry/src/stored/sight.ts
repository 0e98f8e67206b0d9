/** What a reader may know of. What he may not is summed up as `others`, or left out and counted. */
export interface Sight {
  service(namespace: string, name: string): boolean;
  workload(namespace: string, name: string): boolean;
  instance(namespace: string, name: string): boolean;
}

/** In place of names that the reader may not see. No name of a service or workload is without a slash. */
export const OTHERS = 'others';

export const EVERYTHING: Sight = { service: () => true, workload: () => true, instance: () => true };
