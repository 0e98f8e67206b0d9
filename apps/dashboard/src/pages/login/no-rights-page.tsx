import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { Logo } from '../../app/logo';
import { logout, useSession } from '../../session/session';
import css from './no-rights.module.css';

/** Somebody is logged in, and has no right here: says so, and who can change it. */
export function NoRightsPage({ asked }: { readonly asked?: string }) {
  const { name, subject, groups, meshes, contact } = useSession();
  const [first] = meshes;
  useEffect(() => {
    document.title = 'No rights · Heddle';
  }, []);
  const subjects = [{ kind: subject, name }, ...groups.map((group) => ({ kind: 'Group', name: group }))];
  return (
    <main className={css.whole}>
      <div className={css.sheet}>
        <Logo size={36} />
        <h1>{first ? `You have no rights in a mesh ${asked}` : 'You have no rights here yet'}</h1>
        <p>
          You are logged in as <strong>{name}</strong>, {inGroups(groups)}. No RoleBinding{' '}
          {first ? 'of a mesh of that name' : ''} gives you a role.
        </p>
        <p>
          {contact ? (
            <>
              Ask for one: <strong>{contact}</strong>. A RoleBinding can name you by
            </>
          ) : (
            'Ask an admin of the mesh to write a RoleBinding that names you by'
          )}
        </p>
        <ul className={css.subjects}>
          {subjects.map((one) => (
            <li key={`${one.kind} ${one.name}`}>
              <code>{`{ kind: ${one.kind}, name: ${one.name} }`}</code>
            </li>
          ))}
        </ul>
        <p>It counts from the moment it is written.</p>
        <div className={css.exits}>
          <Button onClick={() => window.location.reload()}>Load again</Button>
          {first && (
            <Button component={Link} href={`~/m/${first.name}/`} variant="default">
              Go to the mesh {first.name}
            </Button>
          )}
          <Button variant="default" onClick={() => void logout()}>
            Log out
          </Button>
        </div>
      </div>
    </main>
  );
}

function inGroups(groups: readonly string[]): string {
  if (groups.length === 0) return 'in no group that counts here';
  return `in the ${groups.length > 1 ? 'groups' : 'group'} ${groups.join(', ')}`;
}
