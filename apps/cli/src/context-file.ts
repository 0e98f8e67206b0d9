import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { CliError, EXIT } from './exit-codes.js';
import { readText } from './files.js';

const storedSchema = z.strictObject({
  server: z.string(),
  token: z.string(),
  mesh: z.string().default('default'),
  namespace: z.string().default('default'),
  /** Certificate of the authority of an https server, PEM. */
  ca: z.string().optional(),
});
const fileSchema = z.strictObject({
  current: z.string().default('local'),
  contexts: z.record(z.string(), storedSchema).default({}),
});

export type StoredContext = z.infer<typeof storedSchema>;
export type ContextFile = z.infer<typeof fileSchema>;

/** `$HEDDLE_CONTEXT_FILE`, else `$XDG_CONFIG_HOME/heddle/config.yaml`, else `~/.config/heddle/config.yaml`. */
export function contextPath(env: NodeJS.ProcessEnv): string {
  return (
    env['HEDDLE_CONTEXT_FILE'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'heddle', 'config.yaml')
  );
}

/** An absent file is one without contexts. @throws CliError when it is not valid */
export function readContextFile(env: NodeJS.ProcessEnv): ContextFile {
  const path = contextPath(env);
  if (!existsSync(path)) return { current: 'local', contexts: {} };
  const document = parseDocument(readText(path));
  const [broken] = document.errors;
  if (broken) throw new CliError(`${path} is not valid YAML (line ${broken.linePos?.[0].line ?? 1})`, EXIT.usage);
  const parsed = fileSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  throw new CliError(
    `${path} is not a valid context file`,
    EXIT.usage,
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  );
}

/** @throws CliError that lists what there is */
export function storedContext({ contexts }: ContextFile, name: string): StoredContext {
  const stored = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (stored) return stored;
  const known = Object.keys(contexts);
  const hint = known.length > 0 ? `there are: ${known.join(', ')}` : 'there is none yet: heddle up or heddle login';
  throw new CliError(`no context is called ${name} (${hint})`, EXIT.usage);
}

/** Stores a context and makes it the current one. @returns the path of the file */
export function saveContext(name: string, stored: StoredContext, env: NodeJS.ProcessEnv): string {
  const file = readContextFile(env);
  return write({ current: name, contexts: { ...file.contexts, [name]: stored } }, env);
}

/** Makes a context the current one. @throws CliError when there is no such context */
export function useContext(name: string, env: NodeJS.ProcessEnv): StoredContext {
  const file = readContextFile(env);
  const stored = storedContext(file, name);
  write({ ...file, current: name }, env);
  return stored;
}

/** The file is readable by its owner only, since it holds tokens. */
function write(file: ContextFile, env: NodeJS.ProcessEnv): string {
  const path = contextPath(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, stringify(file), { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
  return path;
}
