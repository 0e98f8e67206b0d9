import type { TrafficSelector } from '#libs/model';

/** No part is left out. */
export const ALL_TRAFFIC: TrafficSelector = {
  namespace: undefined,
  service: undefined,
  port: undefined,
  route: undefined,
  caller: undefined,
  instance: undefined,
};
