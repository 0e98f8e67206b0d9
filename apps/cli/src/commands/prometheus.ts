import { Command } from 'commander';
import { remote, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note, print } from '../output.js';
import { scrapeConfig } from '../prometheus/scrape-config.js';

interface Flags {
  readonly tokenFile: string;
  readonly caFile: string;
  readonly interval: string;
  readonly target?: readonly string[];
}

const NOTES = `
Prometheus needs an API token and, unless REST has a certificate that its system trusts, the authority of the control plane:
  heddle token create prometheus --role viewer > heddle-token
  heddle prometheus > prometheus.yml
  heddle alerts prometheus-rules > rules.yaml`;

export function prometheusCommand(): Command {
  return remote(
    new Command('prometheus').description('print a scrape configuration for Prometheus: control plane and sidecars'),
  )
    .option('--token-file <file>', 'API token, where Prometheus runs', '/etc/prometheus/heddle-token')
    .option(
      '--ca-file <file>',
      "the control plane's authority there; '' = one that is trusted",
      '/etc/prometheus/heddle-ca.pem',
    )
    .option(
      '--target <host:port...>',
      'every replica of the control plane (default: the one that this command talks to)',
    )
    .option('--interval <time>', 'how often everything is scraped', '15s')
    .addHelpText('after', NOTES)
    .action(run);
}

function run(flags: Flags): void {
  const { tokenFile, caFile, target, interval } = flags;
  if (!/^[1-9]\d{0,4}(s|m)$/.test(interval))
    throw new CliError(`--interval ${interval}: a time such as 15s or 1m`, EXIT.usage);
  const wrong = target?.find((one) => !/^(\[[0-9a-f:.]+\]|[^:/\s]+):\d{1,5}$/i.test(one));
  if (wrong !== undefined) throw new CliError(`--target ${wrong}: write HOST:PORT`, EXIT.usage);
  const { server, mesh } = session(flags).context;
  print(
    scrapeConfig({
      server,
      mesh,
      targets: target,
      tokenFile,
      caFile: caFile === '' ? undefined : caFile,
      interval,
    }).trimEnd(),
  );
  note(`its token: heddle token create prometheus --role viewer, written to ${tokenFile}`);
}
