import { parseArgs } from 'node:util';
import { socketFloor } from '../floor.js';
import { table } from '../row.js';
import { engineRows } from './rows.js';

// The engine alone. `--proxies`, `--pushes` of a batch, `--transport plain|tls`; both by default.
const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '1000' },
    pushes: { type: 'string', default: '10' },
    transport: { type: 'string' },
  },
});
const [proxies, pushes] = [Number(values.proxies), Number(values.pushes)];
const floorUs = await socketFloor(proxies, pushes);
const rows = [{ what: 'bare sockets', p50: floorUs, p99: floorUs, unit: 'us' }];
for (const transport of ['plain', 'tls'] as const) {
  if (values.transport !== undefined && values.transport !== transport) continue;
  const result = await engineRows({ proxies, pushes, transport, floorUs });
  rows.push(...result.rows);
  for (const line of result.broken) process.stdout.write(`counter budget broken: ${line}\n`);
}
process.stdout.write(table(rows));
