import type { Dashboard } from '@grafana/schema';
import { CONTROL_PLANE_PAGE } from './control-plane.js';
import { MESH_PAGE } from './mesh.js';
import { dashboard } from './panel.js';
import { SERVICE_PAGE } from './service.js';

/** Every dashboard, by the name of its file in docs/grafana/dashboards. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'mesh.json': dashboard(MESH_PAGE),
  'service.json': dashboard(SERVICE_PAGE),
  'control-plane.json': dashboard(CONTROL_PLANE_PAGE),
};
