import { Button, Select, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { OUTCOME_WORDS } from '../../signals/words';
import css from './failures.module.css';
import { FILTER_WORDS, FILTERS, type FilterName, filterOf } from './filter';

const FAILED = Object.entries(OUTCOME_WORDS)
  .filter(([value]) => value !== 'ok')
  .map(([value, label]) => ({ value, label }));

const HINTS: Readonly<Partial<Record<FilterName, string>>> = {
  ...{
    callee: 'shop/orders, or shop',
    caller: 'shop/web, - for no identity',
    status: '503',
    flag: 'UC',
    path: '/checkout',
  },
  ...{ route: 'HTTPRoute/shop/orders/0, - for none', instance: 'shop/orders/orders-1' },
};

/** Shown at first; the others when the address, or who asks, names them. */
const FIRST: readonly FilterName[] = ['callee', 'caller', 'outcome', 'status', 'flag', 'path'];

/** What is searched for. It is taken into the address when it is sent, not with every letter. */
export function Filters() {
  const [params] = useSearchParams();
  // What the address says anew, by a link or the way back, is what the fields say.
  return <Form key={filterOf(params).toString()} />;
}

function Form() {
  const [params, setParams] = useSearchParams();
  const [isAll, setAll] = useState(false);
  const [draft, setDraft] = useState<Readonly<Record<string, string>>>(() => Object.fromEntries(filterOf(params)));
  const set = (name: FilterName, value: string): void => setDraft((before) => ({ ...before, [name]: value }));
  const take = (filter: Readonly<Record<string, string>>): void =>
    setParams((before) => {
      for (const name of FILTERS) {
        const value = filter[name]?.trim() ?? '';
        if (value === '') before.delete(name);
        else before.set(name, value);
      }
      return before;
    });
  const shown = FILTERS.filter((name) => isAll || FIRST.includes(name) || params.has(name));
  const send = (event: FormEvent): void => {
    event.preventDefault();
    take(draft);
  };
  return (
    <search>
      <form className={css.filters} onSubmit={send}>
        {shown.map((name) =>
          name === 'outcome' ? (
            <Select
              key={name}
              label={FILTER_WORDS[name]}
              placeholder="Any way"
              clearable
              searchable
              data={FAILED}
              value={draft[name] ?? null}
              onChange={(value) => take({ ...draft, outcome: value ?? '' })}
            />
          ) : (
            <TextInput
              key={name}
              label={FILTER_WORDS[name]}
              placeholder={HINTS[name] ?? ''}
              value={draft[name] ?? ''}
              onChange={(event) => set(name, event.currentTarget.value)}
            />
          ),
        )}
        <div>
          <Button type="submit" mr={8}>
            Find failures
          </Button>
          {filterOf(params).size > 0 ? (
            <Button variant="subtle" onClick={() => take({})}>
              Clear
            </Button>
          ) : (
            !isAll && (
              <Button variant="subtle" onClick={() => setAll(true)}>
                More
              </Button>
            )
          )}
        </div>
      </form>
    </search>
  );
}
