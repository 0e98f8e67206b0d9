import { expect, it } from 'vitest';
import { askedBy, filterOf } from '../pages/failures/filter';
import { failuresHref } from './failures-href';

const HOUR = { search: 'range=1h' };
const of = { callee: 'shop/orders' };

it.each([
  [of, 'callee=shop/orders'],
  [{ ...of, caller: 'shop/web', outcome: 'reset' }, 'callee=shop/orders&caller=shop/web&outcome=reset'],
  [{ ...of, caller: '', route: '' }, 'callee=shop/orders&caller=-&route=-'],
  [{ ...of, route: 'HTTPRoute/shop/orders/a&b=c' }, 'callee=shop/orders&route=HTTPRoute/shop/orders/a%26b%3Dc'],
])('failures of %j are at %s', (asked, search) => {
  const href = failuresHref(asked, HOUR);
  expect(href).toBe(`/failures?${search}&range=1h`);
  // The page asks the API for the same.
  const filter = askedBy(filterOf(new URLSearchParams(href.split('?')[1])));
  expect(Object.fromEntries(filter)).toEqual(asked);
});
