import { describe, expect, it } from 'vitest';
import { callerWords, failureTone, msWords, outcomeWords, rateWords, serviceName, shareWords } from './words';

describe('numbers in words', () => {
  it.each([
    [rateWords(0), '0 /s'],
    [rateWords(0.01), '0.6 /min'],
    [rateWords(12.345), '12.3 /s'],
    [rateWords(12_345), '12,300 /s'],
    [shareWords(0), '0 %'],
    [shareWords(0.00001), '< 0.01 %'],
    [shareWords(0.1234), '12.3 %'],
    [shareWords(1), '100 %'],
    [msWords(47.53), '47.5 ms'],
    [msWords(15_700), '15.7 s'],
    [outcomeWords('timeout'), 'no answer in time'],
    [outcomeWords('<b>'), '<b>'],
    [serviceName('shop/orders/8080'), 'shop/orders'],
    [callerWords(''), 'without an identity'],
  ])('%s', (words, expected) => {
    expect(words).toBe(expected);
  });

  it('no requests are neither good nor bad', () => {
    expect(failureTone({ count: 0, failureShare: 0 })).toBe('idle');
    expect([0, 0.004, 0.01, 0.2].map((failureShare) => failureTone({ count: 9, failureShare }))).toEqual([
      ...['good', 'good', 'warn', 'bad'],
    ]);
  });
});
