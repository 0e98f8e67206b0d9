import { Tabs as MantineTabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import css from './ui.module.css';

export interface TabOf {
  readonly name: string;
  readonly title: string;
  readonly count?: number;
  /** Made when it is chosen. */
  readonly content: () => ReactNode;
}

interface TabsProps {
  readonly label: string;
  readonly tabs: readonly TabOf[];
  /** Member of the address that holds which is chosen. */
  readonly param?: string;
}

/** Views of one thing, side by side; the address holds which. */
export function Tabs({ label, tabs, param = 'by' }: TabsProps) {
  const [params, setParams] = useSearchParams();
  const asked = params.get(param);
  const chosen = tabs.find(({ name }) => name === asked) ?? tabs[0];
  return (
    <MantineTabs
      value={chosen?.name ?? null}
      onChange={(name) =>
        setParams(
          (before) => {
            if (name !== null) before.set(param, name);
            return before;
          },
          { replace: true },
        )
      }
      keepMounted={false}
    >
      <MantineTabs.List aria-label={label} className={css.tabList ?? ''}>
        {tabs.map(({ name, title, count }) => (
          <MantineTabs.Tab key={name} value={name}>
            {title}
            {count !== undefined && <span className={css.tabCount}> {count}</span>}
          </MantineTabs.Tab>
        ))}
      </MantineTabs.List>
      {tabs.map(({ name, content }) => (
        <MantineTabs.Panel key={name} value={name}>
          {content()}
        </MantineTabs.Panel>
      ))}
    </MantineTabs>
  );
}
