import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { COMPOSE_REPLICAS } from './compose-topology.js';

interface ComposeService {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly networks?: { readonly mesh?: { readonly ipv4_address?: string } };
  readonly network_mode?: string;
}

const file = readFileSync(join(import.meta.dirname, '../../../docker-compose.yml'), 'utf8');
const { services } = parse(file, { merge: true }) as { services: Record<string, ComposeService> };

describe('docker-compose.yml', () => {
  it.each(COMPOSE_REPLICAS.map((one) => [one.name, one] as const))(
    '%s has the address that is registered',
    (_, one) => {
      const app = services[one.name];
      const flag = (name: string): string | undefined => app?.command?.[app.command.indexOf(name) + 1];
      expect({
        address: app?.networks?.mesh?.ipv4_address,
        service: flag('--service'),
        version: flag('--version'),
        instance: flag('--instance'),
        port: flag('--http-port'),
      }).toEqual({
        address: one.address,
        service: one.service,
        version: one.version,
        instance: one.name,
        port: String(one.appPort),
      });
    },
  );

  it('gives every replica a sidecar in its own network', () => {
    for (const { name } of COMPOSE_REPLICAS) {
      const sidecar = services[`${name}-envoy`];
      expect(sidecar?.network_mode).toBe(`service:${name}`);
      expect(sidecar?.command).toContain(`/sidecars/${name}/bootstrap.yaml`);
    }
  });
});
