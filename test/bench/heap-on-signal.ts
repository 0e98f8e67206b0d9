/** Loaded before a program that is measured: at SIGUSR2 it collects and writes how much of its heap is in use. Bytes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const dir = process.env['HEDDLE_BENCH_HEAP'];
setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

if (dir !== undefined && typeof collect === 'function')
  process.on('SIGUSR2', () => {
    for (let i = 0; i < 2; i += 1) collect();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    writeFileSync(join(dir, String(process.pid)), JSON.stringify({ heap: heapUsed + external, arrayBuffers }));
  });
