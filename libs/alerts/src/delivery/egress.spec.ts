import { describe, expect, it } from 'vitest';
import { Hook } from '../../testing/servers.js';
import { allowedHostProblem, Egress, isPublic } from './egress.js';
import { post } from './post.js';

const hostOf = (url: string): string => new URL(url).hostname;

describe('SEC-41: to whom the control plane opens a connection', () => {
  it.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://0/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://[ff02::1]/',
    'http://[2001:db8::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'http://172.16.3.4/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://198.18.0.1/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://0.0.0.0/',
  ])('%s is refused, and not resolved', async (url) => {
    const egress = new Egress([], () => Promise.reject(new Error('it was resolved')));
    await expect(egress.target(hostOf(url))).rejects.toThrow(
      /leads to an address that is not public.*alerts\.allowedHosts/,
    );
  });

  it.each([
    ['a name of the own network', ['10.1.2.3']],
    ['a name of this machine', ['127.0.0.1', '::1']],
    ['a name that also leads to the own network', ['93.184.216.34', '10.1.2.3']],
    ['a name with a mapped address', ['::ffff:10.1.2.3']],
    ['a name without an address', []],
  ])('%s is refused', async (_, addresses) => {
    await expect(new Egress([], () => Promise.resolve(addresses)).target('hooks.example.com')).rejects.toThrow(
      /not public|no address/,
    );
  });

  it('what was looked at is what is dialled: a name is resolved once, so that it cannot lead elsewhere the second time', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    const egress = new Egress([], () => Promise.resolve(answers.shift() ?? []));
    expect(await egress.target('hooks.example.com')).toEqual({ address: '93.184.216.34', isAllowed: false });
    await expect(egress.target('hooks.example.com')).rejects.toThrow('not public');
    expect(answers).toEqual([]);
  });

  it.each([
    [['alerts.internal'], 'Alerts.Internal', '10.1.2.3', true],
    [['10.1.0.0/16'], 'other.internal', '10.1.2.3', true],
    [['10.1.2.3'], '10.1.2.3', '10.1.2.3', true],
    [['fd00::/8'], '[fd00::7]', 'fd00::7', true],
    [['10.1.2.3'], 'hooks.example.com', '93.184.216.34', false],
  ])('%j allows %s', async (allowed, host, address, isAllowed) => {
    const egress = new Egress(allowed, () => Promise.resolve([address]));
    expect(await egress.target(host)).toEqual({ address, isAllowed });
  });

  it('an allowed network does not allow a name that also leads elsewhere within', async () => {
    const egress = new Egress(['10.1.0.0/16'], () => Promise.resolve(['10.1.2.3', '10.2.0.1']));
    await expect(egress.target('x.internal')).rejects.toThrow('not public');
  });

  it('no socket is opened for what is refused', async () => {
    const hook = await Hook.start();
    const [body, headers] = [{}, {}];
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0x7f.1'])
      await expect(post({ url: hook.url(host), body, headers }, { egress: new Egress([]) })).rejects.toThrow(
        'not public',
      );
    const egress = new Egress([], () => Promise.resolve(['93.184.216.34']));
    await expect(post({ url: 'http://hooks.example.com/', body, headers }, { egress })).rejects.toThrow(
      'write https://',
    );
    expect(hook.connections).toBe(0);
    await hook.stop();
  });

  it.each([
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
    ['192.0.2.1', false],
    ['nonsense', false],
  ])('%s: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected);
  });

  it.each([
    ['alerts.internal', true],
    ['10.0.0.0/8', true],
    ['::1', true],
    ['10.0.0.0/33', false],
    ['https://a', false],
    ['10.0.0.0/8/8', false],
    ['', false],
  ])('an entry %s of the allow-list: %s', (entry, isGood) => {
    expect(allowedHostProblem(entry) === undefined).toBe(isGood);
  });
});
