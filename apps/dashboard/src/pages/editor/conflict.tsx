import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { changeId } from '#libs/kernel/names';
import { manifestOf } from '../../api/manifest';
import { changeOf } from '../../api/queries';
import type { StoredManifest } from '../../api/types';
import { useMesh } from '../../session/session';
import { DocumentDiff } from '../../ui/diff';
import { Panel } from '../../ui/page';
import { Tag } from '../../ui/signs';
import css from '../../ui/ui.module.css';
import type { JsonObject } from './draft';

interface ConflictProps {
  /** As it was when the editing began. */
  readonly mine: StoredManifest;
  readonly theirs: StoredManifest;
  readonly onTheirs: (manifest: JsonObject) => void;
  /** Whatever is chosen, it is written on top of theirs. */
  readonly onEither: (theirs: StoredManifest) => void;
}

/** Two people wrote the same resource: who the other is, what he did, and what can be done now. */
export function Conflict({ mine, theirs, onTheirs, onEither }: ConflictProps) {
  const { name: mesh } = useMesh();
  const change = changeId(theirs.metadata.revision);
  const found = useQuery(changeOf(mesh, change));
  return (
    <Panel title="Written by somebody else meanwhile" end={<Tag tone="warn">conflict</Tag>}>
      <div role="alert" style={{ display: 'grid', gap: 14 }}>
        <p className={css.problemText}>
          {found.data?.actor ?? 'Somebody'} wrote it in{' '}
          <Link href={`/changes/${change}`} className={css.link}>
            {change}
          </Link>
          {found.data?.message && ` (${found.data.message})`} while you were editing version {mine.metadata.version}.
          Nothing was written. This is what became of it:
        </p>
        <DocumentDiff before={manifestOf(mine)} after={manifestOf(theirs)} />
        <div className={css.actions}>
          <Button
            onClick={() => {
              onTheirs(manifestOf(theirs));
              onEither(theirs);
            }}
          >
            Take theirs, and edit again
          </Button>
          <Button variant="default" onClick={() => onEither(theirs)}>
            Keep mine: plan it over theirs
          </Button>
        </div>
      </div>
    </Panel>
  );
}
