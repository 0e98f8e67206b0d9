import { lazy, Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { AuditorHome } from '../pages/auditor/auditor-home';
import { CertificatesPage } from '../pages/certificates/certificates-page';
import { ChangesPage } from '../pages/changes/changes-page';
import { OperatorHome } from '../pages/operator/operator-home';
import { OwnerHome } from '../pages/owner/owner-home';
import { ProxiesPage } from '../pages/proxies/proxies-page';
import { ReleaseHome } from '../pages/release/release-home';
import { SecurityHome } from '../pages/security/security-home';
import { ServicesPage } from '../pages/services/services-page';
import { useMesh } from '../session/session';
import { Page, Panel } from '../ui/page';
import { Empty, Loading } from '../ui/states';
import css from '../ui/ui.module.css';
import { ErrorBoundary } from './error-boundary';

// What shows documents comes when it is asked for.
const ChangePage = lazy(async () => ({ default: (await import('../pages/change/change-page')).ChangePage }));
const ComparePage = lazy(async () => ({ default: (await import('../pages/changes/compare-page')).ComparePage }));
const PlanPage = lazy(async () => ({ default: (await import('../pages/plan/plan-page')).PlanPage }));
const ProxyPage = lazy(async () => ({ default: (await import('../pages/proxy/proxy-page')).ProxyPage }));
const ServicePage = lazy(async () => ({ default: (await import('../pages/service/service-page')).ServicePage }));
const EdgePage = lazy(async () => ({ default: (await import('../pages/edge/edge-page')).EdgePage }));
const FailuresPage = lazy(async () => ({ default: (await import('../pages/failures/failures-page')).FailuresPage }));
const PatternsPage = lazy(async () => ({ default: (await import('../pages/patterns/patterns-page')).PatternsPage }));
const PatternPage = lazy(async () => ({ default: (await import('../pages/patterns/pattern-page')).PatternPage }));
const AlertsPage = lazy(async () => ({ default: (await import('../pages/alerts/alerts-page')).AlertsPage }));
const AlertPage = lazy(async () => ({ default: (await import('../pages/alerts/alert-page')).AlertPage }));
const TimelinePage = lazy(async () => ({ default: (await import('../pages/timeline/timeline-page')).TimelinePage }));
const MapPage = lazy(async () => ({ default: (await import('../pages/map/map-page')).MapPage }));
const KindsPage = lazy(async () => ({ default: (await import('../pages/resources/kinds-page')).KindsPage }));
const ListPage = lazy(async () => ({ default: (await import('../pages/resources/list-page')).ListPage }));
const ResourcePage = lazy(async () => ({ default: (await import('../pages/resources/resource-page')).ResourcePage }));
const NewPage = lazy(async () => ({ default: (await import('../pages/editor/editor-page')).NewPage }));
const EditPage = lazy(async () => ({ default: (await import('../pages/editor/editor-page')).EditPage }));

/** Every page below `/m/<mesh>`. */
export function MeshPages() {
  const [location] = useLocation();
  const { homes } = useMesh();
  return (
    <ErrorBoundary key={location}>
      <Suspense
        fallback={
          <div className={css.page}>
            <Loading />
          </div>
        }
      >
        <Switch>
          <Route path="/">
            <Redirect to={homes[0] ? `/home/${homes[0]}` : '/services'} replace />
          </Route>
          <Route path="/home/operator" component={OperatorHome} />
          <Route path="/home/owner" component={OwnerHome} />
          <Route path="/home/security" component={SecurityHome} />
          <Route path="/home/release" component={ReleaseHome} />
          <Route path="/home/auditor" component={AuditorHome} />
          <Route path="/services" component={ServicesPage} />
          <Route path="/services/:namespace/:name" component={ServicePage} />
          <Route path="/services/:namespace/:name/callers/:callerNamespace/:caller" component={EdgePage} />
          <Route path="/proxies" component={ProxiesPage} />
          <Route path="/proxies/:namespace/:name" component={ProxyPage} />
          <Route path="/changes" component={ChangesPage} />
          <Route path="/changes/:change" component={ChangePage} />
          <Route path="/compare/:from/:to" component={ComparePage} />
          <Route path="/plans/:plan" component={PlanPage} />
          <Route path="/map" component={MapPage} />
          <Route path="/failures" component={FailuresPage} />
          <Route path="/patterns" component={PatternsPage} />
          <Route path="/patterns/:id" component={PatternPage} />
          <Route path="/alerts" component={AlertsPage} />
          <Route path="/alerts/:fingerprint" component={AlertPage} />
          <Route path="/timeline" component={TimelinePage} />
          <Route path="/resources" component={KindsPage} />
          <Route path="/resources/:kind" component={ListPage} />
          <Route path="/resources/:kind/new" component={NewPage} />
          <Route path="/resources/:kind/:namespace/:name" component={ResourcePage} />
          <Route path="/resources/:kind/:namespace/:name/edit" component={EditPage} />
          <Route path="/certificates" component={CertificatesPage} />
          <Route>
            <Page title="No such page">
              <Panel title="Nothing here">
                <Empty title="There is no page at this address">
                  It may have been a link to something that is gone.
                </Empty>
              </Panel>
            </Page>
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}
