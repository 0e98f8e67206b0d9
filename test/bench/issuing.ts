import { cpuOfLeaves } from '../../libs/identity/bench/leaves.js';
import { quantile, type Row } from './row.js';

const MUST_PER_CORE_SECOND = 1_000;

/** Leaf certificates of proxies, a key and a signature each: CPU of one thread. */
export async function issuingRows(): Promise<Row[]> {
  const costs = await cpuOfLeaves();
  const must = 1e6 / MUST_PER_CORE_SECOND;
  return [
    { what: 'CPU per leaf certificate', p50: quantile(costs, 0.5), p99: quantile(costs, 0.99), unit: 'us', must },
  ];
}
