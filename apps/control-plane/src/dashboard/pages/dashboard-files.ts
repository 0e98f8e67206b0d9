import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** Fonts are compressed already. */
const COMPRESSED = new Set(['.js', '.css', '.svg']);

export interface DashboardFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Undefined where it would save nothing. */
  readonly gzip: Uint8Array | undefined;
}

/** The built dashboard: read once, and kept. */
export interface DashboardFiles {
  /** The page, with `__NONCE__` and `__SESSION__` where each answer has its own. */
  readonly page: string;
  /** By their names below `/assets/`. */
  readonly assets: ReadonlyMap<string, DashboardFile>;
}

/** Where `npm run build` leaves it: beside this file as compiled, or below `dist` for who runs the sources. */
const places = (): readonly string[] => [
  join(import.meta.dirname, '../../../../dashboard'),
  join(import.meta.dirname, '../../../../../dist/apps/dashboard'),
];

/** Undefined when it was not built. */
export function readDashboard(directories: readonly string[] = places()): DashboardFiles | undefined {
  const directory = directories.find((path) => statSync(join(path, 'assets'), { throwIfNoEntry: false }) !== undefined);
  if (directory === undefined) return undefined;
  const names = readdirSync(join(directory, 'assets'));
  const assets = names.flatMap((name): [string, DashboardFile][] => {
    const type = TYPES[extname(name)];
    if (type === undefined) return [];
    const bytes = readFileSync(join(directory, 'assets', name));
    return [[name, { type, bytes, gzip: COMPRESSED.has(extname(name)) ? gzipSync(bytes) : undefined }]];
  });
  return { page: readFileSync(join(directory, 'index.html'), 'utf8'), assets: new Map(assets) };
}
