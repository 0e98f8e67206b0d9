import type { Shape } from './mesh.js';

/** Meshes to develop with. */
export const SHAPES: readonly Shape[] = [
  {
    name: 'layers',
    services: 100,
    layers: 5,
    calls: [1, 3],
    instances: [2, 6],
    zones: [2, 3],
    perEntry: [5, 30],
    background: [0.001, 0.005],
    retrying: 0.5,
    retries: 2,
    hubs: 0,
  },
];

/** Meshes of other shapes, which nothing was tuned on. */
export const HELD_OUT: readonly Shape[] = [
  {
    name: 'deep',
    services: 100,
    layers: 9,
    calls: [1, 2],
    instances: [2, 5],
    zones: [3, 3],
    perEntry: [15, 50],
    background: [0.001, 0.005],
    retrying: 0.3,
    retries: 1,
    hubs: 0,
  },
  {
    name: 'hubs',
    services: 120,
    layers: 3,
    calls: [1, 4],
    instances: [2, 6],
    zones: [2, 3],
    perEntry: [3, 20],
    background: [0.001, 0.005],
    retrying: 0.8,
    retries: 3,
    hubs: 4,
  },
  {
    name: 'small',
    services: 50,
    layers: 4,
    calls: [1, 3],
    instances: [2, 4],
    zones: [2, 4],
    perEntry: [2, 80],
    background: [0.0005, 0.008],
    retrying: 0.5,
    retries: 2,
    hubs: 1,
  },
];
