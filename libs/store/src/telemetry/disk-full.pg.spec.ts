import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '#libs/kernel';
import { type EmbeddedPostgres, type Store, StoreUnavailable, startEmbeddedPostgres } from '../index.js';
import { openStore } from '../open-store.js';
import { put, request } from '../testing/fixtures.js';
import { rangesOfPast } from '../testing/signal-parts.js';

const DAY = 86_400_000;
const DISK_FULL = '53100';
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('REL-34 is skipped: a small file system can be mounted as root only');

describe.skipIf(!isRoot)('telemetry that has filled the disk', () => {
  let disk: string;
  let server: EmbeddedPostgres;
  let store: Store;
  let raw: Client;
  const warned: string[] = [];

  beforeAll(async () => {
    disk = mkdtempSync(join(tmpdir(), 'heddle-disk-'));
    chmodSync(disk, 0o711);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=0711', 'heddle-signals', disk]);
    const settings = { min_wal_size: '32MB', max_wal_size: '32MB', wal_level: 'minimal', max_wal_senders: '0' };
    server = await startEmbeddedPostgres({ dataDir: join(disk, 'postgres'), settings, log: silentLog });
    const log = { ...silentLog, warn: (text: string) => void warned.push(text) };
    store = await openStore({ url: server.url, replica: 'a', pool: 2, log });
    raw = new Client({ connectionString: server.url });
    raw.on('error', () => {});
    await raw.connect();
    await rangesOfPast(raw, 3);
  });
  afterAll(async () => {
    await raw?.end();
    await store?.close();
    await server?.stop();
    execFileSync('umount', ['-l', disk]);
    rmdirSync(disk);
  });

  const pages = (at: number) => ({
    ...{ mesh: 'default', source: 'a', at, complete: true, failures: [] },
    pages: Array.from({ length: 8 }, (_, i) => ({
      ...({ view: 'edge', shelf: `#${i}` } as const),
      cells: randomBytes(100_000),
    })),
  });
  const ranges = async (): Promise<string[]> =>
    (await raw.query<{ range: string }>(`SELECT tier || ' ' || lower AS range FROM signal_range`)).rows.map(
      ({ range }) => range,
    );

  it('REL-34 gives way: its oldest range is given up, it goes on, and configuration is written', async () => {
    // Two days of buckets of ten minutes, the older of which is to go first.
    const yesterday = Math.floor(Date.now() / DAY - 1) * DAY;
    let full = '';
    for (let n = 0; full === ''; n += 1) {
      const at = yesterday - (n % 2) * DAY + Math.floor(n / 2) * 1_000;
      // Its log goes round in the room that it has: it is tables that find none, as on most disks.
      await raw.query('CHECKPOINT');
      await raw
        .query(`INSERT INTO signal_edge VALUES (600, $1, 'default', '#0', '', $2)`, [at, randomBytes(500_000)])
        .catch((error: { code?: string }) => {
          full = error.code ?? 'none';
        });
    }
    expect(full).toBe(DISK_FULL);
    const before = await ranges();
    const oldest = yesterday - DAY;
    const now = Math.floor(Date.now() / 10_000) * 10_000;
    let isWritten = false;
    for (let tries = 0; !isWritten && tries < 10; tries += 1)
      isWritten = await store.signals.write(pages(now)).catch((error: unknown) => {
        expect(error).toBeInstanceOf(StoreUnavailable);
        return false;
      });
    expect(isWritten).toBe(true);
    const after = new Set(await ranges());
    expect(before.filter((range) => !after.has(range))).toContain(`600 ${oldest}`);
    expect(after).toContain(`10 ${Math.floor(now / 1_800_000) * 1_800_000}`);
    expect(warned).toContain('the disk is full: the oldest telemetry was given up');
    const written = await store.resources.write(request([put('Service', 'orders')]));
    expect(written).toMatchObject({});
    expect(await store.signals.times('default')).toMatchObject({ newest: now + 10_000 });
  });
});
