import { Command } from 'commander';
import { type Context, type ContextFlags, resolveContext } from './context.js';
import { type Format, parseFormat } from './output.js';
import { RestClient } from './rest-client.js';

/** What a command that talks to a control plane gets. */
export interface Session {
  readonly context: Context;
  readonly rest: RestClient;
  readonly format: Format;
  /** `/api/v1/meshes/<mesh>` */
  readonly meshPath: string;
  /** `/api/v1/meshes/<mesh>/namespaces/<namespace>` */
  readonly namespacePath: string;
}

/** Adds the flags that every command has which talks to a control plane. */
export function remote(command: Command): Command {
  return command
    .option('--context <name>', 'context of the configuration file to use (HEDDLE_CONTEXT)')
    .option('--server <url>', 'address of the control plane (HEDDLE_SERVER; HEDDLE_CA names a PEM file of its CA)')
    .option('--token <token>', 'API token (HEDDLE_TOKEN)')
    .option('-m, --mesh <name>', 'mesh (HEDDLE_MESH, default: default)')
    .option('-n, --namespace <name>', 'namespace (HEDDLE_NAMESPACE, default: default)')
    .option('-o, --output <format>', 'table, json or yaml', 'table');
}

/** @param options the command's options: those that `remote` added are read, the command reads its own */
export function session(options: object): Session {
  const flags: ContextFlags & { readonly output?: string } = options;
  const context = resolveContext(flags, process.env);
  const meshPath = pathOfMesh(context.mesh);
  return {
    context,
    rest: new RestClient(context),
    format: parseFormat(flags.output ?? 'table'),
    meshPath,
    namespacePath: `${meshPath}/namespaces/${encodeURIComponent(context.namespace)}`,
  };
}

export const pathOfMesh = (mesh: string): string => `/api/v1/meshes/${encodeURIComponent(mesh)}`;
