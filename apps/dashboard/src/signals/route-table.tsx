import { Link } from 'wouter';
import type { RouteSignals } from '../api/signals';
import type { Range } from '../ui/range-of';
import { type Column, Name, Table } from '../ui/table';
import ui from '../ui/ui.module.css';
import { attemptsColumn, signalColumns } from './columns';
import { failuresHref } from './failures-href';
import { countWords, failureWords } from './words';

interface RouteTableProps {
  readonly routes: readonly RouteSignals[];
  /** `<namespace>/<name>` */
  readonly service: string;
  /** Of this one only; '' = who has no identity. */
  readonly caller?: string;
  readonly range: Range;
}

/** How requests fare by the route that they took. Each leads to the route as it is written, and to what failed by it. */
export function RouteTable({ routes, service, caller, range }: RouteTableProps) {
  const columns: readonly Column<RouteSignals>[] = [
    {
      ...{ head: 'Route', width: '4fr' },
      cell: (of) => {
        const under = <Failed of={of} href={failuresHref({ callee: service, caller, route: of.route }, range)} />;
        return <Name href={routeHref(of, service)} name={routeWords(of)} under={under} />;
      },
    },
    ...signalColumns<RouteSignals>((row) => row),
    attemptsColumn<RouteSignals>((row) => row),
  ];
  return <Table label="By route" columns={columns} rows={routes} keyOf={routeWords} />;
}

function Failed({ of, href }: { readonly of: RouteSignals; readonly href: string }) {
  if (of.failures === 0) return <>nothing failed</>;
  return (
    <Link href={href} className={ui.link}>
      {countWords(of.failures)} failed: {failureWords(of)}
    </Link>
  );
}

const isWritten = ({ route }: RouteSignals): boolean => /^\w+Route\/[^/]+\/[^/]+/.test(route);

/** Whether any of them is a route that somebody wrote: others send to the service as a whole. */
export const isRouted = (routes: readonly RouteSignals[]): boolean => routes.some(isWritten);

function routeWords({ route, subset }: RouteSignals): string {
  const to = subset && ` to ${subset}`;
  if (route === '') return `by no route${to}`;
  if (route === 'other') return 'further routes, together';
  return (route.endsWith('/default') ? 'by default: to all ready instances' : route) + to;
}

/** `/resources/HTTPRoute/shop/orders` of `HTTPRoute/shop/orders/0`; of what nobody wrote, the service. */
function routeHref(of: RouteSignals, service: string): string {
  const [kind, namespace, name] = of.route.split('/');
  return isWritten(of) ? `/resources/${kind}/${namespace}/${name}` : `/services/${service}`;
}
