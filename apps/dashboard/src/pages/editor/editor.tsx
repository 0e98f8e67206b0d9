import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useLocation } from 'wouter';
import { parse } from 'yaml';
import { get, isProblem, post } from '../../api/client';
import type { Violation } from '../../api/problem';
import type { Plan, StoredManifest } from '../../api/types';
import { useMesh } from '../../session/session';
import { yamlOf } from '../../ui/diff';
import { Panel } from '../../ui/page';
import { Loading, ProblemView } from '../../ui/states';
import { PlanView } from '../plan/plan-view';
import type { Kind } from '../resources/kinds';
import { Conflict } from './conflict';
import { isObject, type Json, type JsonObject } from './draft';
import { Members } from './form';
import css from './form.module.css';
import { Metadata } from './metadata';

const YamlEditor = lazy(async () => ({ default: (await import('./yaml-editor')).YamlEditor }));

interface EditorProps {
  readonly kind: Kind;
  readonly draft: JsonObject;
  /** As it was when it was read; absent = it is new. */
  readonly stored?: StoredManifest;
  readonly path?: string;
}

/** Somebody else has written the resource while it was edited here. */
class WrittenMeanwhile extends Error {
  constructor(readonly theirs: StoredManifest) {
    super('written meanwhile');
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value = parse(text) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A manifest as a form or as YAML, which is planned before anything is written. */
export function Editor({ kind, draft: first, stored, path }: EditorProps) {
  const { name: mesh, mayPlan } = useMesh();
  const [, go] = useLocation();
  const [mode, setMode] = useState<'form' | 'yaml'>('form');
  const [draft, setDraft] = useState(first);
  const [text, setText] = useState(() => yamlOf(first));
  const [message, setMessage] = useState('');
  const [base, setBase] = useState(stored);
  const isBroken = mode === 'yaml' && parsed(text) === undefined;
  const planning = useMutation({
    mutationFn: async () => {
      if (base && path) {
        const now = await get<StoredManifest>(path);
        if (now.metadata.version !== base.metadata.version) throw new WrittenMeanwhile(now);
      }
      const manifest = mode === 'yaml' ? parsed(text) : draft;
      return post<Plan>(`/api/v1/meshes/${mesh}/plan`, { manifests: [manifest], message, save: mayPlan });
    },
    onSuccess: ({ id }) => id !== '' && go(`/plans/${id}`),
  });
  const change = (next: string): void => {
    if (next === 'yaml') setText(yamlOf(draft));
    else setDraft(parsed(text) ?? draft);
    setMode(next as 'form' | 'yaml');
  };
  const violations = violationsOf(planning.error);
  return (
    <>
      <Panel
        title="The manifest"
        end={
          <SegmentedControl
            size="xs"
            aria-label="Write it as"
            value={mode}
            onChange={change}
            data={[
              { value: 'form', label: 'Form', disabled: isBroken },
              { value: 'yaml', label: 'YAML' },
            ]}
          />
        }
      >
        {mode === 'yaml' ? (
          <Suspense fallback={<Loading />}>
            <YamlEditor text={text} onChange={setText} violations={violations} />
          </Suspense>
        ) : (
          <div style={{ display: 'grid', gap: 22 }}>
            <Metadata
              draft={draft}
              isNew={stored === undefined}
              isNamespaced={kind.isNamespaced}
              onChange={setDraft}
              violations={violations}
            />
            <Members
              schema={kind.spec}
              path="/spec"
              value={draft['spec']}
              violations={violations}
              onChange={(spec) => setDraft({ ...draft, spec: spec ?? {} })}
            />
          </div>
        )}
      </Panel>
      {planning.error instanceof WrittenMeanwhile && base ? (
        <Conflict
          mine={base}
          theirs={planning.error.theirs}
          onTheirs={(manifest) => {
            setDraft(manifest);
            setText(yamlOf(manifest));
            planning.reset();
          }}
          onEither={(theirs) => {
            setBase(theirs);
            planning.reset();
          }}
        />
      ) : (
        planning.error && <ProblemView error={planning.error} />
      )}
      <Panel title="What would it do?">
        <div className={css.bar}>
          <TextInput
            label="Why"
            description="Kept in history with the change."
            value={message}
            maxLength={1000}
            onChange={(event) => setMessage(event.currentTarget.value)}
          />
          <Button loading={planning.isPending} disabled={isBroken} onClick={() => planning.mutate()}>
            Plan
          </Button>
        </div>
      </Panel>
      {planning.data?.id === '' && <PlanView plan={planning.data} />}
    </>
  );
}

const violationsOf = (error: unknown): readonly Violation[] => (isProblem(error) ? error.violations : []);
