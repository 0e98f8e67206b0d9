import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { isProblem, onSessionOver } from '../api/client';
import { LoginPage } from '../pages/login/login-page';
import { NoRightsPage } from '../pages/login/no-rights-page';
import { MeshContext, SessionContext, sessionQuery } from '../session/session';
import { Loading, ProblemView } from '../ui/states';
import css from '../ui/ui.module.css';
import { MeshPages } from './mesh-pages';
import { mayHaveSession } from './page-facts';
import { Shell } from './shell';

export function App() {
  const queries = useQueryClient();
  const [isIn, setIn] = useState(mayHaveSession);
  useEffect(() => {
    onSessionOver(() => {
      queries.clear();
      setIn(false);
    });
  }, [queries]);
  if (!isIn) return <LoginPage onLogin={() => setIn(true)} />;
  return <LoggedIn />;
}

function LoggedIn() {
  const session = useQuery(sessionQuery());
  if (session.data === undefined) {
    const isOver = isProblem(session.error) && session.error.status === 401;
    return (
      <div className={css.page}>
        {session.error && !isOver ? (
          <ProblemView error={session.error} retry={() => void session.refetch()} />
        ) : (
          <Loading />
        )}
      </div>
    );
  }
  const { meshes } = session.data;
  const [first] = meshes;
  return (
    <SessionContext value={session.data}>
      <Switch>
        <Route path="/m/:mesh" nest>
          {({ mesh }) => {
            const found = meshes.find(({ name }) => name === mesh);
            return found ? (
              <MeshContext value={found} key={found.name}>
                <Shell>
                  <MeshPages />
                </Shell>
              </MeshContext>
            ) : (
              <NoRightsPage asked={mesh} />
            );
          }}
        </Route>
        <Route path="/meshes/:mesh/alerts/:fingerprint">
          {({ mesh, fingerprint }) => <Redirect to={`/m/${mesh}/alerts/${fingerprint}`} replace />}
        </Route>
        <Route>{first ? <Redirect to={`/m/${first.name}/`} replace /> : <NoRightsPage />}</Route>
      </Switch>
    </SessionContext>
  );
}
