import { describe, expect, it } from 'vitest';
import { silentLog, silentMetrics } from '#libs/kernel';
import { HandClock, settled } from '../../testing/src/clock/index.js';
import { StreamSecrets } from './secrets.js';
import type { NodeInfo, SecretAnswer, SecretSource } from './types.js';

const node: NodeInfo = { id: 'n', cluster: '', userAgentName: 'envoy', userAgentVersion: '1.40.0', clientFeatures: [] };
const RECHECK_MS = 3_000;

/** A source whose answers the test gives, in any order. */
class SlowSource implements SecretSource {
  readonly questions: PromiseWithResolvers<SecretAnswer>[] = [];

  resolve(): Promise<SecretAnswer> {
    const question = Promise.withResolvers<SecretAnswer>();
    this.questions.push(question);
    return question.promise;
  }

  recheckAfterMs(): number {
    return RECHECK_MS;
  }
}

function fixture() {
  const clock = new HandClock();
  const source = new SlowSource();
  const arrived: string[] = [];
  const principal = { id: 'p', expiresAt: Number.MAX_SAFE_INTEGER, claims: 0 };
  const options = { source, principal, node, clock, log: silentLog, metrics: silentMetrics, counter: { encodes: 0 } };
  const secrets: StreamSecrets = new StreamSecrets({
    ...options,
    arrived: (name) => void arrived.push(secrets.lookup(name)?.version ?? ''),
  });
  const send = (version: string): SecretAnswer => ({ kind: 'send', version, bytes: new Uint8Array() });
  return { clock, source, arrived, secrets, send };
}

describe('the secrets of a stream', () => {
  it('a late failure of an older question does not end the renewal', async () => {
    const { clock, source, arrived, secrets, send } = fixture();
    secrets.want('identity', undefined);
    secrets.refresh();
    source.questions[1]?.resolve(send('v1'));
    await settled();
    source.questions[0]?.reject(new Error('late'));
    await settled();
    await clock.advance(RECHECK_MS);
    source.questions[2]?.resolve(send('v2'));
    await settled();
    expect(arrived).toEqual(['v1', 'v2']);
  });

  it('a late answer to an older question is dropped', async () => {
    const { source, arrived, secrets, send } = fixture();
    secrets.want('identity', undefined);
    secrets.refresh();
    source.questions[1]?.resolve(send('new'));
    await settled();
    source.questions[0]?.resolve(send('old'));
    await settled();
    expect(arrived).toEqual(['new']);
  });

  it('a failure is asked again after a while', async () => {
    const { clock, source, arrived, secrets, send } = fixture();
    secrets.want('identity', undefined);
    source.questions[0]?.reject(new Error('away'));
    await settled();
    await clock.advance(2_000);
    source.questions[1]?.resolve(send('v1'));
    await settled();
    expect(arrived).toEqual(['v1']);
  });

  it('nothing arrives of what is not wanted any more', async () => {
    const { source, arrived, secrets, send } = fixture();
    secrets.want('identity', undefined);
    secrets.drop('identity');
    source.questions[0]?.resolve(send('v1'));
    await settled();
    expect(arrived).toEqual([]);
  });
});
