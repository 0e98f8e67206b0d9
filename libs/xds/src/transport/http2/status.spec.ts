import { describe, expect, it } from 'vitest';
import { httpError, timeoutMs, trailersOf } from './status.js';

describe('the status of a call', () => {
  it.each([
    ['OK', '', { 'grpc-status': '0' }],
    ['UNAVAILABLE', 'try again', { 'grpc-status': '14', 'grpc-message': 'try again' }],
    [
      'INVALID_ARGUMENT',
      '50 % of „a“\r\nx',
      { 'grpc-status': '3', 'grpc-message': '50 %25 of %E2%80%9Ea%E2%80%9C%0D%0Ax' },
    ],
  ] as const)('%s %j', (name, details, trailers) => {
    expect(trailersOf(name, details)).toEqual(trailers);
  });

  it('words with half of a surrogate pair do no harm', () => {
    expect(trailersOf('INTERNAL', 'a\ud800b')['grpc-message']).toBe('a%EF%BF%BDb');
  });
});

describe('a request', () => {
  it.each([
    ['GET', 'application/grpc', 405],
    ['POST', 'application/json', 415],
    ['POST', undefined, 415],
    ['POST', 'application/grpc-web', 415],
    ['POST', 'application/grpc', undefined],
    ['POST', 'application/grpc+proto', undefined],
    ['POST', 'application/grpc;charset=utf-8', undefined],
  ])('%s of %s is answered %s', (method, type, error) => {
    expect(httpError(method, type)).toBe(error);
  });

  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3_000],
    ['40m', 40],
    ['5000u', 5],
    ['6000000n', 6],
    ['123456789S', undefined],
    ['-1S', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('has %s of time: %s ms', (header, ms) => {
    if (ms === undefined) expect(timeoutMs(header)).toBeUndefined();
    else expect(timeoutMs(header)).toBeCloseTo(ms);
  });
});
