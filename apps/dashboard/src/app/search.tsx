import { Modal, TextInput } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { SearchIcon } from 'lucide-react';
import { type KeyboardEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { proxiesOf, viewOf } from '../api/queries';
import { useMesh } from '../session/session';
import { homeOf, MESH } from './navigation';
import css from './search.module.css';

interface Hit {
  readonly name: string;
  readonly what: string;
  readonly href: string;
}

const SHOWN = 30;

/** Goes to anything that has a name. */
export function Search({ isWide = false }: { readonly isWide?: boolean }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  useHotkeys(isWide ? [['mod+K', open]] : []);
  return (
    <>
      <button
        type="button"
        className={`${css.open} ${isWide ? css.wide : css.small}`}
        onClick={open}
        {...(isWide ? {} : { 'aria-label': 'Search' })}
      >
        <SearchIcon size={isWide ? 15 : 19} aria-hidden />
        {isWide && (
          <>
            Search <kbd aria-hidden>Ctrl K</kbd>
          </>
        )}
      </button>
      <Modal opened={isOpen} onClose={close} title="Go to" size="lg" yOffset="12vh" centered={false}>
        {isOpen && <Finder onGone={close} />}
      </Modal>
    </>
  );
}

function Finder({ onGone }: { readonly onGone: () => void }) {
  const { name: mesh, homes } = useMesh();
  const [, go] = useLocation();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const services = useQuery(viewOf(mesh, 'services'));
  const proxies = useQuery(proxiesOf(mesh));
  const all: Hit[] = [
    ...[...homes.map(homeOf), ...MESH].map(({ title, href }) => ({ name: title, what: 'page', href })),
    ...(services.data?.items ?? []).map(({ namespace, name }) => ({
      name: `${namespace}/${name}`,
      what: 'service',
      href: `/services/${namespace}/${name}`,
    })),
    ...(proxies.data ?? []).map(({ namespace, instance }) => ({
      name: `${namespace}/${instance}`,
      what: 'proxy',
      href: `/proxies/${namespace}/${instance}`,
    })),
  ];
  const change = /^[cs]-\d+$/.test(text) ? [{ name: text, what: 'change', href: `/changes/${text}` }] : [];
  const wanted = text.toLowerCase();
  const hits = [...change, ...all.filter(({ name }) => name.toLowerCase().includes(wanted))].slice(0, SHOWN);
  const take = (hit: Hit | undefined): void => {
    if (hit === undefined) return;
    onGone();
    go(hit.href);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') take(hits[at]);
    else if (event.key === 'ArrowDown') setAt(Math.min(at + 1, hits.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <TextInput
        data-autofocus
        aria-label="Name of a service, proxy, change or page"
        placeholder="A service, proxy, change or page"
        leftSection={<SearchIcon size={16} />}
        value={text}
        role="combobox"
        aria-expanded
        aria-controls="hits"
        aria-activedescendant={hits[at] ? `hit-${at}` : ''}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div className={css.found} id="hits" role="listbox" aria-label="Found">
        {hits.map((hit, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are taken by the input, which keeps the focus
          <div
            key={`${hit.what} ${hit.name}`}
            id={`hit-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            className={css.hit}
            onClick={() => take(hit)}
            onMouseEnter={() => setAt(i)}
          >
            {hit.name}
            <span className={css.what}>{hit.what}</span>
          </div>
        ))}
      </div>
    </>
  );
}
