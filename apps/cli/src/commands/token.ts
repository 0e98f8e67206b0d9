import { Command } from 'commander';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note, printAs, table } from '../output.js';
import { RestClient } from '../rest-client.js';

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly expiresAt: string | number;
  readonly revoked?: boolean;
}

interface CreateFlags {
  readonly role: string;
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
    .option('--role <role>', 'viewer, operator or admin', 'operator')
    .option('--workload <name>', 'make a proxy token for this workload instead')
    .option('--instance <name>', 'the one instance it is for, or a prefix that ends in *')
    .option('--label <key=value...>', 'labels that the instance may claim')
    .option('--address <cidr...>', 'addresses that it may bind or advertise')
    .option('--ttl-days <days>', 'lifetime: 1 to 365 (default 30), for proxies 1 to 90 (default 7)')
    .action(async (name: string | undefined, flags: CreateFlags) => {
      const s = session(flags);
      const ttl = flags.ttlDays ? { ttlDays: Number(flags.ttlDays) } : {};
      const answer = flags.workload
        ? await s.rest.send<Record<string, unknown>>(
            'POST',
            `${s.meshPath}/namespaces/${encodeURIComponent(s.context.namespace)}/proxy-tokens`,
            {
              body: {
                workload: flags.workload,
                instance: flags.instance ?? `${flags.workload}-*`,
                labels: labels(flags.label ?? []),
                addresses: flags.address ?? [],
                ...ttl,
              },
            },
          )
        : await s.rest.send<Record<string, unknown>>('POST', '/api/v1/tokens', {
            body: { name: required(name), role: flags.role, ...ttl },
          });
      note('keep it safe: it is not stored and cannot be shown again');
      printAs(s.format, answer, () => String(answer['token']));
    });
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
        new Date(one.expiresAt).toISOString(),
        one.revoked ? 'revoked' : '',
      ]);
      printAs(s.format, answer, () => table(['id', 'name', 'role', 'expires', ''], rows));
    },
  );
}

function renew(): Command {
  return remote(
    new Command('renew').description('exchange a still valid proxy token for a new one with the same scope'),
  )
    .requiredOption('--proxy-token <token>', 'the proxy token')
    .action(async (flags: { proxyToken: string }) => {
      const s = session(flags);
      const rest = new RestClient({ server: s.context.server, token: flags.proxyToken });
      const answer = await rest.send<Record<string, unknown>>('POST', '/api/v1/tokens/renew', { body: {} });
      printAs(s.format, answer, () => String(answer['token']));
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

function labels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key, ...rest] = pair.split('=');
      if (!key || rest.length === 0) throw new CliError(`--label ${pair}: write key=value`, EXIT.usage);
      return [key, rest.join('=')];
    }),
  );
}

function required(name: string | undefined): string {
  if (name) return name;
  throw new CliError('name the API token, or make a proxy token with --workload', EXIT.usage, [
    'example: heddle token create ci --role operator',
  ]);
}
