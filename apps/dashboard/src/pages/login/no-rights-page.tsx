import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { logout, useSession } from '../../session/session';
import { Command } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import css from './login.module.css';

/** Somebody is logged in, and has no right here: says so, and who can change it. */
export function NoRightsPage({ asked }: { readonly asked?: string }) {
  const { name, subject, groups, meshes, contact } = useSession();
  const [first] = meshes;
  const isUser = subject === 'User';
  useEffect(() => {
    document.title = 'No rights · Heddle';
  }, []);
  return (
    <main className={ui.page}>
      <div className={css.nothing}>
        <h1>
          {first ? `There is no mesh ${asked ?? ''} here that you have a right in` : 'You have no rights here yet'}
        </h1>
        <p>
          You are logged in as <strong>{name}</strong>
          {groups.length > 0
            ? `, in the ${groups.length > 1 ? 'groups' : 'group'} ${groups.join(', ')}`
            : ', in no group that counts here'}
          . No RoleBinding gives {isUser ? 'this user' : 'this token'} or{' '}
          {groups.length === 1 ? 'this group' : 'these groups'} a role{first ? ' in that mesh' : ''}.
        </p>
        <p>
          {contact
            ? `Ask for one: ${contact}`
            : 'Ask an admin of the mesh, who can write a RoleBinding with one of these subjects:'}
        </p>
        <ul className={css.ways}>
          <li>
            <Command>{`{ kind: ${subject}, name: ${name} }`}</Command>
          </li>
          {groups.map((group) => (
            <li key={group}>
              <Command>{`{ kind: Group, name: ${group} }`}</Command>
            </li>
          ))}
        </ul>
        <p>It counts from the moment it is written: load this page again then.</p>
        <div className={css.exits}>
          <Button onClick={() => window.location.reload()}>Load again</Button>
          {first && (
            <Button component={Link} href={`~/m/${first.name}/`} variant="default">
              Go to {first.name}
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
