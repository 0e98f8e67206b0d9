import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '#libs/kernel';
import { BUILT_IN_ROLES } from '#libs/model';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { readTokenFile } from '../files.js';
import { API_TOKEN_DAYS, type Limits, PROXY_TOKEN_DAYS, wholeNumber } from '../numbers.js';
import { note, print, printAs, table } from '../output.js';
import { pairs } from '../proxy-flags.js';

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly groups?: readonly string[];
  readonly meshes?: readonly string[];
  readonly expiresAt: string | number;
  readonly revoked?: boolean;
}

interface Created {
  readonly token: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  /** Of an API token. */
  readonly id?: string;
  /** Of a proxy token. */
  readonly jti?: string;
}

interface CreateFlags {
  readonly role?: string;
  readonly group?: string[];
  readonly onlyMesh?: string[];
  readonly admin?: boolean;
  readonly local?: boolean;
  readonly dataDir: string;
  readonly ttlDays?: string;
  readonly workload?: string;
  readonly instance?: string;
  readonly address?: string[];
  readonly label?: string[];
}

export function tokenCommand(): Command {
  const command = new Command('token').description('tokens of people and programs, and of proxies');
  command.addCommand(create());
  command.addCommand(list());
  command.addCommand(renew());
  command.addCommand(revoke());
  return command;
}

function create(): Command {
  return remote(
    new Command('create').description('make an API token, or with --workload a proxy token; it is shown once'),
  )
    .argument('[name]', 'name of the API token, for the history')
    .option('--role <role>', `of an API token: none, ${BUILT_IN_ROLES.join(', ')}; see heddle role list`)
    .option('--group <name...>', 'groups that RoleBindings may name; with them the default role is none')
    .option('--only-mesh <name...>', 'the only meshes in which the token is worth anything')
    .option('--workload <name>', 'make a proxy token for this workload instead')
    .option('--instance <name>', 'the one instance it is for, or a prefix that ends in *')
    .option('--label <key=value...>', 'labels that the instance may claim')
    .option('--address <cidr...>', 'addresses that it may bind or advertise')
    .option('--ttl-days <days>', 'lifetime: 1 to 365 (default 30), for proxies 1 to 90 (default 7)')
    .option('--admin', 'with --local: the way back in when no admin token is left')
    .option('--local', 'without a token, by writing into the data directory of the control plane')
    .option('--data-dir <dir>', 'that data directory, with --local', '.heddle')
    .action(async (name: string | undefined, flags: CreateFlags) => {
      if (flags.local || flags.admin) {
        await createLocally(flags);
        return;
      }
      const s = session(flags);
      const answer = flags.workload
        ? await createForProxy(s, flags.workload, flags)
        : await createForApi(s, name, flags);
      note(`id ${answer.jti ?? answer.id}, valid until ${answer.expiresAt}`);
      note('keep it safe: it is not stored and cannot be shown again');
      printAs(s.format, answer, () => answer.token);
    });
}

function createForProxy(s: Session, workload: string, flags: CreateFlags): Promise<Created> {
  const body = {
    workload,
    instance: flags.instance ?? `${workload}-*`,
    labels: pairs('--label', flags.label ?? []),
    addresses: flags.address ?? [],
    ...ttl(flags, PROXY_TOKEN_DAYS),
  };
  return s.rest.send('POST', `${s.namespacePath}/proxy-tokens`, { body });
}

function createForApi(s: Session, name: string | undefined, flags: CreateFlags): Promise<Created> {
  const { group: groups = [], onlyMesh: meshes = [] } = flags;
  const role = flags.role ?? (groups.length > 0 ? 'none' : 'operator');
  const body = { name: required(name), role, groups, meshes, ...ttl(flags, API_TOKEN_DAYS) };
  return s.rest.send('POST', '/api/v1/tokens', { body });
}

const ttl = ({ ttlDays }: CreateFlags, limits: Limits): { ttlDays?: number } =>
  ttlDays === undefined ? {} : { ttlDays: wholeNumber('--ttl-days', ttlDays, limits) };

/** Who may write into the data directory may do anything with that control plane: a lost token is no lock-out. */
async function createLocally({ admin, local, dataDir }: CreateFlags): Promise<void> {
  if (!admin || !local) throw new CliError('--admin and --local go together', EXIT.usage);
  if (!existsSync(join(dataDir, 'key'))) {
    throw new CliError(`${dataDir} is not the data directory of a control plane: name it with --data-dir`, EXIT.usage);
  }
  const { ensureAdminToken } = await import('#libs/identity');
  const { path } = await ensureAdminToken(dataDir, systemClock);
  note('a one-time token for an admin, good for an hour. Log in with it:');
  print(`heddle login --server <URL of the control plane> --token-file ${resolve(path)}`);
}

function list(): Command {
  return remote(new Command('list').description('show API tokens, never their secrets')).action(
    async (flags: Record<string, string>) => {
      const s = session(flags);
      const answer = await s.rest.get<{ items: TokenRow[] }>('/api/v1/tokens');
      const rows = answer.items.map((one) => [
        one.id,
        one.name,
        one.role,
        (one.groups ?? []).join(', '),
        (one.meshes ?? []).join(', '),
        new Date(one.expiresAt).toISOString(),
        one.revoked ? 'revoked' : '',
      ]);
      printAs(s.format, answer, () => table(['id', 'name', 'role', 'groups', 'meshes', 'expires', ''], rows));
    },
  );
}

function renew(): Command {
  return remote(
    new Command('renew').description('exchange a still valid proxy token for a new one with the same scope'),
  )
    .option('--proxy-token <token>', 'the proxy token; other users of this machine see it in the list of processes')
    .option('--proxy-token-file <file>', 'file that holds it, - for standard input')
    .action(async (flags: { proxyToken?: string; proxyTokenFile?: string }) => {
      const token = flags.proxyToken ?? (flags.proxyTokenFile && readTokenFile(flags.proxyTokenFile));
      if (!token)
        throw new CliError('give the proxy token: --proxy-token-file FILE or --proxy-token TOKEN', EXIT.usage);
      const s = session({ ...flags, token });
      const answer = await s.rest.send<Created>('POST', '/api/v1/tokens/renew', { body: {} });
      note(`valid until ${answer.expiresAt}`);
      printAs(s.format, answer, () => answer.token);
    });
}

function revoke(): Command {
  return remote(new Command('revoke').description('end a token now; streams of a proxy token are cut within 10 s'))
    .argument('<id>', 'id of an API token, or with --proxy the jti of a proxy token')
    .option('--proxy', 'it is a proxy token')
    .action(async (id: string, flags: { proxy?: boolean }) => {
      const s = session(flags);
      await s.rest.send(
        'DELETE',
        flags.proxy
          ? `${s.meshPath}/proxy-tokens/${encodeURIComponent(id)}`
          : `/api/v1/tokens/${encodeURIComponent(id)}`,
      );
      printAs(s.format, { revoked: id }, () => `revoked ${id}`);
    });
}

function required(name: string | undefined): string {
  if (name) return name;
  throw new CliError('name the API token, or make a proxy token with --workload', EXIT.usage, [
    'example: heddle token create ci --role operator',
  ]);
}
