import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DASHBOARDS } from './dashboards.js';

const DIR = join(import.meta.dirname, '../../../docs/grafana/dashboards');

describe('dashboards for Grafana', () => {
  // Their types are Grafana's schema: @grafana/schema, which the compiler checks.
  it.each(Object.entries(DASHBOARDS))('%s is the one that was reviewed', (name, dashboard) => {
    const file = join(DIR, name);
    const text = `${JSON.stringify(dashboard, null, 2)}\n`;
    if (process.env['UPDATE_GOLDENS'] === '1' && !process.env['CI']) writeFileSync(file, text);
    expect(text, `${file}; UPDATE_GOLDENS=1 rewrites it`).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
  });

  it('are all that the folder has', () => {
    expect(readdirSync(DIR).sort()).toEqual(Object.keys(DASHBOARDS).sort());
  });

  it.each(Object.entries(DASHBOARDS))('%s has panels that do not cover each other', (_name, { panels = [] }) => {
    const cells = panels.flatMap(({ gridPos }) =>
      Array.from({ length: gridPos?.w ?? 0 }, (_, x) =>
        Array.from({ length: gridPos?.h ?? 0 }, (_, y) => `${(gridPos?.x ?? 0) + x},${(gridPos?.y ?? 0) + y}`),
      ).flat(),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});
