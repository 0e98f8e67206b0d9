import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type BootstrapOptions, checkCaPem, renderBootstrap, SIDECAR_FILES } from './bootstrap.js';
import { bootstrapYaml } from './bootstrap-yaml.js';
import { LauncherError } from './launcher-error.js';

export interface SidecarFiles extends Omit<BootstrapOptions, 'dir'> {
  /** The proxy token. */
  readonly token: string;
  /**
   * Absolute path of the folder on the machine that runs Envoy, when it is carried there after it was written: the
   * bootstrap names its files by it. Default: where it is written.
   */
  readonly installDir?: string;
}

/** Absolute paths of what was written. */
export interface WrittenFiles {
  readonly dir: string;
  /** The folder as the bootstrap names it: `dir` unless it is carried elsewhere. */
  readonly installDir: string;
  readonly bootstrap: string;
  readonly token: string;
}

const SECRET = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/**
 * Writes everything a stock Envoy needs to join: bootstrap, CA and token. The folder is made with mode 0700; every file
 * appears by a rename, so a running Envoy sees either the old or the new content. The bootstrap comes last: when it is
 * there, what it points to is there.
 * @throws LauncherError when something could not be rendered; nothing was written then.
 */
export async function writeSidecarFiles(dir: string, files: SidecarFiles): Promise<WrittenFiles> {
  const { token, installDir, ...options } = files;
  const folder = resolve(dir);
  if (installDir !== undefined && !isAbsolute(installDir))
    throw new LauncherError(`the folder on the other machine is ${JSON.stringify(installDir)}: it must begin with /`);
  const seen = installDir === undefined ? folder : resolve(installDir);
  const bootstrap = bootstrapYaml(renderBootstrap({ ...options, dir: seen }));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeAtomically(join(folder, SIDECAR_FILES.ca), options.caPem, 0o644);
  await writeAtomically(join(folder, SIDECAR_FILES.sdsCa), caSecretYaml(options.caPem, options.xds.serverName), 0o644);
  await writeToken(folder, token);
  await writeAtomically(join(folder, SIDECAR_FILES.bootstrap), bootstrap, 0o644);
  return {
    dir: folder,
    installDir: seen,
    bootstrap: join(folder, SIDECAR_FILES.bootstrap),
    token: join(folder, SIDECAR_FILES.token),
  };
}

/** Replaces the token; Envoy presents the new one on its next stream, the running stream is not touched. */
export async function writeToken(dir: string, token: string): Promise<void> {
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new LauncherError('the token is empty or holds characters that no token has');
  await writeAtomically(join(dir, SIDECAR_FILES.token), `${token}\n`, 0o600);
  await writeAtomically(join(dir, SIDECAR_FILES.sdsToken), tokenSecretYaml(token), 0o600);
}

/** The SDS file that makes Envoy accept one control plane only: a chain to the CA, and the name in the certificate (SEC-17). */
export function caSecretYaml(caPem: string, serverName: string): string {
  checkCaPem(caPem);
  return secretYaml('xds_ca', {
    validation_context: {
      trusted_ca: { inline_string: caPem },
      match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: serverName } }],
    },
  });
}

/** The SDS file with the credential that goes into the `authorization` header of the xDS stream. */
export function tokenSecretYaml(token: string): string {
  return secretYaml('xds_token', { generic_secret: { secret: { inline_string: `Bearer ${token}` } } });
}

function secretYaml(name: string, secret: object): string {
  return stringify({ resources: [{ '@type': SECRET, name, ...secret }] }, { lineWidth: 0 });
}

async function writeAtomically(path: string, content: string, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
