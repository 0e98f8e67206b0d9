import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { CliError, EXIT } from './exit-codes.js';

const fileSchema = z.strictObject({
  current: z.string().default('local'),
  contexts: z
    .record(
      z.string(),
      z.strictObject({
        server: z.string(),
        token: z.string(),
        mesh: z.string().default('default'),
        namespace: z.string().default('default'),
        ca: z.string().optional(),
      }),
    )
    .default({}),
});
type ContextFile = z.infer<typeof fileSchema>;

/** Where a command goes to, and as whom. */
export interface Context {
  readonly name: string;
  readonly server: string;
  readonly token: string;
  readonly mesh: string;
  readonly namespace: string;
  /** Certificate of the authority of an https server, PEM; trusted beside those of the system. */
  readonly ca?: string | undefined;
}

export interface ContextFlags {
  readonly context?: string;
  readonly server?: string;
  readonly token?: string;
  readonly mesh?: string;
  readonly namespace?: string;
}

/** `$HEDDLE_CONTEXT_FILE`, else `$XDG_CONFIG_HOME/heddle/config.yaml`, else `~/.config/heddle/config.yaml`. */
export function contextPath(env: NodeJS.ProcessEnv): string {
  return (
    env['HEDDLE_CONTEXT_FILE'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'heddle', 'config.yaml')
  );
}

function read(path: string): ContextFile {
  if (!existsSync(path)) return { current: 'local', contexts: {} };
  const parsed = fileSchema.safeParse(parse(readFileSync(path, 'utf8')) ?? {});
  if (parsed.success) return parsed.data;
  throw new CliError(
    `${path} is not a valid context file`,
    EXIT.usage,
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  );
}

/** Flags win over the environment, the environment over the file. @throws CliError when no server or token is known */
export function resolveContext(flags: ContextFlags, env: NodeJS.ProcessEnv): Context {
  const file = read(contextPath(env));
  const name = flags.context ?? env['HEDDLE_CONTEXT'] ?? file.current;
  const stored = file.contexts[name];
  const server = flags.server ?? env['HEDDLE_SERVER'] ?? stored?.server;
  const token = flags.token ?? env['HEDDLE_TOKEN'] ?? stored?.token;
  if (!server || !token) {
    throw new CliError('no control plane is known', EXIT.unreachable, [
      'start one with `heddle up`, or set HEDDLE_SERVER and HEDDLE_TOKEN, or pass --server and --token',
    ]);
  }
  const mesh = flags.mesh ?? env['HEDDLE_MESH'] ?? stored?.mesh ?? 'default';
  const namespace = flags.namespace ?? env['HEDDLE_NAMESPACE'] ?? stored?.namespace ?? 'default';
  return { name, server: server.replace(/\/$/, ''), token, mesh, namespace, ...(stored?.ca ? { ca: stored.ca } : {}) };
}

/** Stores a context and makes it the current one; the file is readable by its owner only, since it holds a token. */
export function saveContext(context: Context, env: NodeJS.ProcessEnv): string {
  const path = contextPath(env);
  const file = read(path);
  const { name, ...stored } = context;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, stringify({ current: name, contexts: { ...file.contexts, [name]: stored } }), {
    mode: 0o600,
  });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
  return path;
}
