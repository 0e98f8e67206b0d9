import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ports } from './control-plane.js';
import type { Terminal } from './terminal.js';

export interface ProxyPlan {
  readonly ports: Ports;
  readonly workload: string;
  readonly address: string;
  /** Of the control plane, below the user's directory. */
  readonly dataDir?: string;
}

/** Registers an instance `shop/<workload>-1`. @returns what a program needs that stands in for its Envoy */
export async function registeredProxy(user: Terminal, { ports, workload, address, dataDir = 'data' }: ProxyPlan) {
  const flags = ['--workload', workload, '-n', 'shop', '--address', '127.0.0.0/8', '-o', 'json'];
  const made = await user.heddle('token', 'create', ...flags);
  const { token } = JSON.parse(made.out) as { token: string };
  const [bind, app] = [8080, 8081].map((http) => ({ address, ports: { http } }));
  const response = await fetch(
    `http://127.0.0.1:${ports.rest}/api/v1/meshes/default/namespaces/shop/instances/${workload}-1`,
    {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ workload, bind, app, outbound: { address } }),
    },
  );
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return {
    ...{ address: `127.0.0.1:${ports.xds}`, token },
    caPem: readFileSync(join(user.dir, dataDir, 'server-ca.pem'), 'utf8'),
    serverName: 'control-plane.heddle.local',
    node: { id: `default/shop/${workload}/${workload}-1`, userAgentVersion: '1.40.0' },
  };
}
