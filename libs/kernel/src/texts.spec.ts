import { expect, it } from 'vitest';
import { hostPort, lengthMs } from './texts.js';

it.each([
  ['10.0.0.1', 80, '10.0.0.1:80'],
  ['::1', 80, '[::1]:80'],
  ['orders.shop', '', 'orders.shop:'],
])('%s and port %s are %s', (host, port, text) => {
  expect(hostPort(host, port)).toBe(text);
});

it.each([
  ['0s', 0],
  ['90s', 90_000],
  ['10m', 600_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  ['', undefined],
  ['7', undefined],
  ['7w', undefined],
  ['-7d', undefined],
  ['1.h', undefined],
  ['1h30m', undefined],
])('%j is so many milliseconds: %s', (text, ms) => {
  expect(lengthMs(text)).toBe(ms);
});
