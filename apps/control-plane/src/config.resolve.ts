import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { err, ok, type Result } from '#libs/kernel';
import { didYouMean } from '#libs/model';
import { type Config, configSchema } from './config.schema.js';
import { SETTINGS, type Setting, settingValue } from './config.settings.js';

/** A configuration with where each value comes from: `default`, `file <path>`, `<VARIABLE>` or `--<flag>`. */
export interface ResolvedConfig {
  readonly config: Config;
  /** By key, `rest.port`. */
  readonly origins: ReadonlyMap<string, string>;
}

type Layer = ReadonlyMap<string, { readonly value: unknown; readonly origin: string }>;

interface Reading {
  readonly layer: Layer;
  readonly problems: readonly string[];
}

const NONE: Reading = { layer: new Map(), problems: [] };
const CONFIG_FLAG = '--config';
const CONFIG_VARIABLE = 'HEDDLE_CONFIG';
/** The names that everybody uses for it; Heddle's own win. Further ones of OpenTelemetry are read where it is started. */
const STANDARD: readonly (readonly [variable: string, key: string])[] = [
  ['DATABASE_URL', 'database.url'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'observability.otlp.endpoint'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'observability.otlp.protocol'],
];

/**
 * Reads the configuration: flags win over the environment, that over the file (`--config` or HEDDLE_CONFIG, YAML), that
 * over defaults. Reads nothing but the file; every problem is reported, one line each.
 * @param argv arguments without the program's name
 */
export function resolveConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<ResolvedConfig, readonly string[]> {
  const flags = readFlags(argv);
  const file = flags.file ?? env[CONFIG_VARIABLE];
  const readings = [file === undefined ? NONE : readFile(file), readEnvironment(env), flags];
  const merged = new Map(readings.flatMap(({ layer }) => [...layer]));
  const problems = readings.flatMap((reading) => reading.problems);
  const parsed = configSchema.safeParse(nest(merged));
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => describe(issue, merged)));
  if (!parsed.success || problems.length > 0) return err(problems);
  const origins = new Map(SETTINGS.map(({ key }) => [key, merged.get(key)?.origin ?? 'default']));
  return ok({ config: parsed.data, origins });
}

function readFlags(argv: readonly string[]): Reading & { readonly file: string | undefined } {
  const layer = new Map<string, { value: unknown; origin: string }>();
  const problems: string[] = [];
  let file: string | undefined;
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [flag, inline] = splitOnce(argument, '=');
    const setting = SETTINGS.find((s) => s.flag === flag);
    if (setting === undefined && flag !== CONFIG_FLAG) {
      const known = [CONFIG_FLAG, ...SETTINGS.map((s) => s.flag)];
      problems.push(`${flag} is not a flag${didYouMean(flag, known)}`);
      continue;
    }
    // A flag without a value says "yes"; every other kind of setting needs one.
    const text = inline ?? (setting?.type === 'boolean' ? 'true' : rest.shift());
    if (text === undefined) problems.push(`${flag} needs a value`);
    else if (setting === undefined) file = text;
    else layer.set(setting.key, { value: settingValue(setting, text), origin: flag });
  }
  return { layer, problems, file };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Of HEDDLE_* variables the CLI has its own; only what looks like a slip of a setting's name is refused. */
function readEnvironment(env: Readonly<Record<string, string | undefined>>): Reading {
  const layer = new Map<string, { value: unknown; origin: string }>();
  for (const [variable, key] of STANDARD) {
    const value = env[variable];
    if (value !== undefined && value !== '') layer.set(key, { value, origin: variable });
  }
  for (const setting of SETTINGS) {
    const text = env[setting.variable];
    if (text !== undefined && text !== '') {
      layer.set(setting.key, { value: settingValue(setting, text), origin: setting.variable });
    }
  }
  const known = [CONFIG_VARIABLE, ...SETTINGS.map((s) => s.variable)];
  const problems = Object.keys(env)
    .filter((name) => name.startsWith('HEDDLE_') && !known.includes(name))
    .map((name) => ({ name, hint: didYouMean(name, known) }))
    .filter(({ hint }) => hint !== '')
    .map(({ name, hint }) => `${name} is not a setting${hint}`);
  return { layer, problems };
}

function readFile(path: string): Reading {
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { layer: new Map(), problems: [`${path} cannot be read: ${reason}`] };
  }
  if (document === null) return NONE;
  const layer = new Map<string, { value: unknown; origin: string }>();
  const problems: string[] = [];
  const keys = SETTINGS.map((s) => s.key);
  const visit = (prefix: string, node: unknown): void => {
    if (keys.includes(prefix)) {
      layer.set(prefix, { value: node, origin: `file ${path}` });
      return;
    }
    const isGroup = prefix === '' || keys.some((key) => key.startsWith(`${prefix}.`));
    if (!isGroup) {
      const siblings = keys.flatMap((key) => [key, ...key.split('.').slice(0, -1)]);
      problems.push(`${path}: ${prefix} is not a setting${didYouMean(prefix, siblings)}`);
    } else if (typeof node !== 'object' || node === null || Array.isArray(node)) {
      problems.push(`${path}: ${prefix || 'the document'} must be a map of settings`);
    } else {
      for (const [name, child] of Object.entries(node)) visit(prefix === '' ? name : `${prefix}.${name}`, child);
    }
  };
  visit('', document);
  return { layer, problems };
}

/** `rest.port: 1` becomes `{rest: {port: 1}}`. Keys come from the schema, never from outside. */
function nest(merged: Layer): unknown {
  const entries = [...merged].map(([key, { value }]) => [key, value] as const);
  return nested(entries);
}

function nested(entries: readonly (readonly [key: string, value: unknown])[]): unknown {
  const groups = Map.groupBy(entries, ([key]) => splitOnce(key, '.')[0]);
  return Object.fromEntries(
    [...groups].map(([name, members]) => {
      const [only] = members;
      if (only?.[0] === name) return [name, only[1]];
      return [name, nested(members.map(([key, value]) => [key.slice(name.length + 1), value]))];
    }),
  );
}

function describe(issue: { readonly path: readonly PropertyKey[]; readonly message: string }, merged: Layer): string {
  const key = issue.path.filter((part) => typeof part !== 'number').join('.');
  const origin = merged.get(key)?.origin;
  return `${key}${origin === undefined ? '' : ` (${origin})`}: ${issue.message}`;
}

/** What is in force and from where, one setting a line; passwords are left out (SEC-67). */
export function printConfig({ config, origins }: ResolvedConfig): string {
  const rows = SETTINGS.map(({ key }) => [key, show(key, lookUp(config, key)), origins.get(key) ?? 'default'] as const);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column === 0 ? 0 : 1].length)));
  return rows
    .map(([key, value, origin]) => `${key.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${origin}\n`)
    .join('');
}

/** The flags with their meaning, for `--help`. */
export const printHelp = (): string =>
  SETTINGS.map(({ flag, variable, description }) => `  ${flag} (${variable})\n      ${description}\n`).join('');

function lookUp(config: Config, key: string): unknown {
  return key.split('.').reduce<unknown>((node, part) => (isGroup(node) ? node[part] : undefined), config);
}

const isGroup = (node: unknown): node is Record<string, unknown> => typeof node === 'object' && node !== null;

function show(key: Setting['key'], value: unknown): string {
  if (value === undefined) return '-';
  if (key.startsWith('database.') && typeof value === 'string') return withoutPassword(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A database URL that may be shown. */
export function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return '<not a URL>';
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  // A password may also stand in the query.
  if (shown.searchParams.has('password')) shown.searchParams.set('password', '***');
  return shown.href;
}
