import { Button, Divider } from '@mantine/core';
import { LogIn } from 'lucide-react';
import type { LoginWays } from '../../api/views';
import css from './login.module.css';
import { REFUSALS, type RefusalCode } from './refusals';

/** Where to go after the login: the page that one is at, or that one was on the way to. */
function destination(): string {
  const { pathname, search, hash } = window.location;
  if (pathname !== '/login') return pathname + search + hash;
  return new URLSearchParams(search).get('to') ?? '/';
}

const isRefusal = (code: string | null): code is RefusalCode => code !== null && Object.hasOwn(REFUSALS, code);

/** Why the provider, or the server, has sent one back; by its code, so that no link can put words into this page. */
export function Refusal() {
  const code = new URLSearchParams(window.location.search).get('refused');
  if (!isRefusal(code)) return null;
  return (
    <p className={css.refusal} role="alert">
      {REFUSALS[code]}
    </p>
  );
}

/** The way in by the identity provider. */
export function ProviderLogin({ label, problem }: NonNullable<LoginWays['provider']>) {
  const to = new URLSearchParams({ to: destination() });
  const words = `Log in with ${label}`;
  return (
    <>
      {problem === undefined ? (
        <Button component="a" href={`/api/dashboard/oidc/login?${to}`} size="md" leftSection={<LogIn size={17} />}>
          {words}
        </Button>
      ) : (
        <>
          <Button size="md" disabled aria-describedby="provider-problem">
            {words}
          </Button>
          <p className={css.problem} id="provider-problem" role="status">
            This does not work at the moment: {problem}. It is tried again by itself; a token works meanwhile.
          </p>
        </>
      )}
      <Divider label="or by a token" labelPosition="center" />
    </>
  );
}
