import type { Reader } from '#libs/envoy-api';

/** Fields of envoy.data.accesslog.v3.ResponseFlags, by number, as Envoy's access logs abbreviate them. */
const FLAGS = [
  ...[
    '',
    'LH',
    'UH',
    'UT',
    'LR',
    'UR',
    'UF',
    'UC',
    'UO',
    'NR',
    'DI',
    'FI',
    'RL',
    'UAEX',
    'RLSE',
    'DC',
    'URX',
    'SI',
    'IH',
  ],
  ...['DPE', 'UMSDR', 'RFCF', 'NFCF', 'DT', 'UPE', 'NC', 'OM', 'DF', 'DR'],
] as const;
/** A message, not a truth value: there is one exactly when the flag is set. */
const UNAUTHORIZED = 13;
/** Envoy may have learned new ones. */
const UNKNOWN = 'other';

/** @throws MalformedMessage */
export function readFlags(reader: Reader): readonly string[] {
  const flags: string[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    const isSet = field === UNAUTHORIZED ? skipped(reader) : reader.integer() !== 0;
    const flag = FLAGS[field] ?? UNKNOWN;
    if (isSet && flag !== '' && !flags.includes(flag)) flags.push(flag);
  }
  return flags;
}

function skipped(reader: Reader): true {
  reader.skip();
  return true;
}
