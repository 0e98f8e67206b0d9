import { Menu, useMantineColorScheme } from '@mantine/core';
import { ChevronsUpDown, LogOut, Menu as MenuIcon, Monitor, Moon, Sun } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { type LiveState, useMeshEvents } from '../api/events';
import { logout, useMesh, useSession } from '../session/session';
import { Logo } from './logo';
import { type Destination, homeOf, MESH, THUMB } from './navigation';
import { Search } from './search';
import css from './shell.module.css';

const LIVE: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  away: 'Reconnecting',
};

/** What is around every page: where one is, where one can go, and who one is. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const { name, homes } = useMesh();
  const [location] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const live = useMeshEvents(name);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone somewhere wants to see it
  useEffect(() => {
    setOpen(false);
    window.scrollTo(0, 0);
  }, [location]);
  const thumbs = [...homes.slice(0, 1).map(homeOf), ...MESH.filter(({ href }) => THUMB.includes(href))];
  return (
    <div className={css.shell}>
      <a className="skip" href="#content">
        Skip to the page
      </a>
      <header className={css.top}>
        <Brand />
        <Search />
        <button type="button" className={css.menu} onClick={() => setOpen(true)} aria-label="Menu">
          <MenuIcon size={20} />
        </button>
      </header>
      {isOpen && <button type="button" className={css.veil} onClick={() => setOpen(false)} aria-label="Close menu" />}
      <header className={css.rail} data-open={isOpen}>
        <Brand />
        <div className={css.mesh}>
          <MeshMenu />
        </div>
        <Search isWide />
        <nav aria-label="Pages">
          {homes.length > 0 && <p className={css.group}>Homes</p>}
          <Items items={homes.map(homeOf)} />
          <p className={css.group}>Mesh</p>
          <Items items={MESH} />
        </nav>
        <div className={css.foot}>
          <div className={css.live} role="status">
            <span className={css.pulse} data-state={live} aria-hidden />
            {LIVE[live]}
          </div>
          <UserMenu />
        </div>
      </header>
      <main className={css.main} id="content" tabIndex={-1}>
        {children}
      </main>
      <nav className={css.tabs} aria-label="Main pages">
        {thumbs.map((one) => (
          <Item key={one.href} {...one} isTab />
        ))}
      </nav>
    </div>
  );
}

const Brand = () => (
  <Link href="/" className={css.brand}>
    <Logo size={28} />
    Heddle
  </Link>
);

const Items = ({ items }: { readonly items: readonly Destination[] }) => (
  <ul className={css.nav}>
    {items.map((one) => (
      <li key={one.href}>
        <Item {...one} />
      </li>
    ))}
  </ul>
);

function Item({ href, title, short, icon: Icon, isTab = false }: Destination & { readonly isTab?: boolean }) {
  const [location] = useLocation();
  const isHere = location === href || location.startsWith(`${href}/`);
  return (
    <Link href={href} className={isTab ? '' : css.item} aria-current={isHere ? 'page' : undefined}>
      <Icon size={isTab ? 20 : 17} aria-hidden />
      {isTab ? short : title}
    </Link>
  );
}

function MeshMenu() {
  const { meshes } = useSession();
  const { name } = useMesh();
  const [, go] = useLocation();
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <button type="button" className={css.meshButton}>
          <span>
            <small>mesh</small> {name}
          </span>
          <ChevronsUpDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {meshes.map((mesh) => (
          <Menu.Item key={mesh.name} onClick={() => go(`~/m/${mesh.name}/`)}>
            {mesh.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function UserMenu() {
  const { name, role, groups } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const schemes = [
    ['light', 'Light', Sun],
    ['dark', 'Dark', Moon],
    ['auto', 'As the system', Monitor],
  ] as const;
  return (
    <Menu width={220} position="top-start">
      <Menu.Target>
        <button type="button" className={css.user}>
          <span className={css.initial} aria-hidden>
            {name.slice(0, 1).toUpperCase()}
          </span>
          <span className={css.userText}>
            <span>{name}</span>
            <small>{role === 'none' ? groups.join(', ') || 'by its bindings' : role}</small>
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Colours</Menu.Label>
        {schemes.map(([scheme, title, Icon]) => (
          <Menu.Item
            key={scheme}
            leftSection={<Icon size={15} />}
            onClick={() => setColorScheme(scheme)}
            {...(colorScheme === scheme ? { fw: 620 } : {})}
          >
            {title}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={15} />} onClick={() => void logout()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
