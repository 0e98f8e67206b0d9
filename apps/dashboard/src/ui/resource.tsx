import { Link } from 'wouter';
import type { ResourceId } from '../api/types';
import css from './ui.module.css';

/** `HTTPRoute shop/orders` */
export const idOf = ({ kind, namespace, name }: ResourceId): string =>
  `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;

/** Where a resource is shown. Services have a page of their own. */
export const hrefOf = ({ kind, namespace, name }: ResourceId): string =>
  kind === 'Service'
    ? `/services/${namespace}/${name}`
    : `/resources/${kind}/${namespace === '' ? '-' : namespace}/${name}`;

export const ResourceLink = ({ of }: { readonly of: ResourceId }) => (
  <Link href={hrefOf(of)} className={css.link}>
    {idOf(of)}
  </Link>
);
