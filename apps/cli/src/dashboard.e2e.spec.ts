import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from './exit-codes.js';
import { loggedIn, type Ports } from './testing/control-plane.js';
import { Terminal } from './testing/terminal.js';

const user = new Terminal();
let ports: Ports;

beforeAll(async () => {
  ({ ports } = await loggedIn(user));
});
afterAll(() => user.close());

describe('heddle dashboard', () => {
  it('prints an address that logs in once, and holds no token', async () => {
    const { code, out } = await user.heddle('dashboard');
    const [, server = '', link = ''] = /^(http:\/\/[^/]+)\/login#link=([-\w]+)\n$/.exec(out) ?? [];
    expect([code, server]).toEqual([EXIT.ok, `http://127.0.0.1:${ports.rest}`]);
    expect(out).not.toContain('hdl_');
    const follow = () =>
      fetch(`${server}/api/dashboard/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ link }),
      });
    const [first, second] = [await follow(), await follow()];
    expect([first.status, second.status]).toEqual([200, 401]);
    expect(first.headers.get('set-cookie')).toMatch(/^heddle=.*HttpOnly; SameSite=Strict$/);
  });

  it('-o json is for programs', async () => {
    const { out } = await user.heddle('dashboard', '-o', 'json');
    expect(JSON.parse(out)).toEqual({ url: expect.stringContaining('/login#link=') });
  });
});
