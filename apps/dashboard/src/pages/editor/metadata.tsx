import { TextInput } from '@mantine/core';
import type { Violation } from '../../api/problem';
import { isObject, type JsonObject, withMember } from './draft';
import { Field } from './form';
import css from './form.module.css';

interface MetadataProps {
  readonly draft: JsonObject;
  readonly isNew: boolean;
  readonly isNamespaced: boolean;
  readonly onChange: (draft: JsonObject) => void;
  readonly violations: readonly Violation[];
}

const LABELS = {
  type: 'object',
  additionalProperties: { type: 'string' },
  description: 'What roles, selectors and people find it by.',
} as const;

/** Name, namespace and labels: every kind has them. */
export function Metadata({ draft, isNew, isNamespaced, onChange, violations }: MetadataProps) {
  const metadata = isObject(draft['metadata']) ? draft['metadata'] : {};
  const set = (name: string, value: JsonObject[string] | undefined): void =>
    onChange({ ...draft, metadata: withMember(metadata, name, value) });
  const error = (path: string) => violations.find((one) => one.path === path)?.message;
  return (
    <div className={css.fields}>
      <TextInput
        id="/metadata/name"
        label="name"
        description="Lower-case letters, digits and hyphens."
        required
        readOnly={!isNew}
        variant={isNew ? 'default' : 'filled'}
        value={String(metadata['name'] ?? '')}
        error={error('/metadata/name')}
        onChange={(event) => set('name', event.currentTarget.value)}
      />
      {isNamespaced && (
        <TextInput
          id="/metadata/namespace"
          label="namespace"
          description="The team's part of the mesh."
          readOnly={!isNew}
          variant={isNew ? 'default' : 'filled'}
          value={String(metadata['namespace'] ?? '')}
          error={error('/metadata/namespace')}
          onChange={(event) => set('namespace', event.currentTarget.value)}
        />
      )}
      <div className={css.whole}>
        <Field
          schema={LABELS}
          name="labels"
          path="/metadata/labels"
          value={metadata['labels']}
          violations={violations}
          isRequired
          onChange={(labels) => set('labels', labels)}
        />
      </div>
    </div>
  );
}
