import { Button, PasswordInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Logo } from '../../app/logo';
import { login, waysQuery } from '../../session/session';
import { Command, ProblemView } from '../../ui/states';
import css from './login.module.css';
import { ProviderLogin, Refusal } from './provider-login';

/** What a link of `heddle dashboard` carries: behind the `#`, so that no server and no log sees it. */
function takeLink(): string | undefined {
  const link = /^#link=([-\w]+)$/.exec(window.location.hash)?.[1];
  if (link !== undefined) window.history.replaceState(null, '', window.location.pathname);
  return link;
}

export function LoginPage({ onLogin }: { readonly onLogin: () => void }) {
  const [token, setToken] = useState('');
  const isLinked = useRef(false);
  const { provider } = useQuery(waysQuery()).data ?? {};
  const isByProvider = provider !== undefined && provider.problem === undefined;
  const entry = useMutation({ mutationFn: login, onSuccess: onLogin });
  const { mutate } = entry;
  useEffect(() => {
    document.title = 'Log in · Heddle';
    // Good once: a second look, as React takes in development, would spend it.
    if (isLinked.current) return;
    const link = takeLink();
    if (link === undefined) return;
    isLinked.current = true;
    mutate({ link });
  }, [mutate]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate({ token });
  };
  return (
    <main className={css.whole}>
      <div className={css.cloth}>
        <Threads />
        <div className={css.brand}>
          <Logo size={36} />
          Heddle
        </div>
        <p className={css.promise}>
          Every change <em>planned</em>, <em>delivered</em>, <em>explained</em> and <em>reversible</em>.
        </p>
        <p className={css.small}>The control plane of a mesh of stock Envoys.</p>
      </div>
      <div className={css.door}>
        <form className={css.form} onSubmit={submit}>
          <h1>Log in</h1>
          <Refusal />
          {provider && <ProviderLogin {...provider} />}
          <PasswordInput
            label="API token"
            placeholder="hdl_…"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            size="md"
            required
            withAsterisk={false}
          />
          <Button type="submit" size="md" variant={isByProvider ? 'default' : 'filled'} loading={entry.isPending}>
            Log in
          </Button>
          {entry.error && <ProblemView error={entry.error} />}
          <ul className={css.ways}>
            <li>
              On a machine where you use the command line, this opens a page that is logged in:
              <br />
              <Command>heddle dashboard</Command>
            </li>
            <li>
              Somebody with the role admin makes tokens for others:
              <br />
              <Command>heddle token create ann --role viewer</Command>
            </li>
          </ul>
        </form>
      </div>
    </main>
  );
}

/** Warp and weft. */
const Threads = () => (
  <svg className={css.threads} aria-hidden="true">
    <defs>
      <pattern id="weave" width="56" height="56" patternUnits="userSpaceOnUse">
        <path d="M14 0v22M14 34v22M42 0v50" stroke="#3a3270" strokeWidth="3" strokeLinecap="round" />
        <path d="M0 28h56" stroke="#332b63" strokeWidth="3" />
        <path d="M0 0h8M20 0h36" stroke="#332b63" strokeWidth="3" strokeLinecap="round" />
      </pattern>
    </defs>
    <rect width="100%" height="100%" fill="url(#weave)" />
  </svg>
);
