import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { minimalSetup } from 'codemirror';
import { useEffect, useRef } from 'react';
import { isNode, parseDocument } from 'yaml';
import type { Violation } from '../../api/problem';
import { nonce } from '../../app/page-facts';
import { partsOf } from './draft';
import css from './form.module.css';

const look = EditorView.theme({
  '&': { fontSize: '0.8125rem', backgroundColor: 'var(--h-panel)', color: 'var(--h-ink)' },
  '&.cm-focused': { outline: '2px solid var(--h-accent)', outlineOffset: '-2px' },
  '.cm-content': { fontFamily: 'var(--mantine-font-family-monospace)', padding: '12px 0', caretColor: 'var(--h-ink)' },
  '.cm-gutters': { backgroundColor: 'var(--h-sunk)', color: 'var(--h-ink-3)', border: 'none' },
  '.cm-scroller': { maxHeight: '62vh', lineHeight: '1.65' },
  '.cm-content, .cm-gutter': { minHeight: '320px' },
  '.cm-cursor': { borderLeftColor: 'var(--h-ink)' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--h-accent-soft)' },
  '.cm-tooltip': { backgroundColor: 'var(--h-panel)', border: '1px solid var(--h-line-strong)', color: 'var(--h-ink)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--h-accent)' },
  { tag: [tags.string, tags.content], color: 'var(--h-ink)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--h-good)' },
  { tag: tags.comment, color: 'var(--h-ink-3)' },
]);

interface EditorProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly violations: readonly Violation[];
}

/** Where violations are in the text: at what they name, or at the nearest that is there. */
function diagnosticsOf(text: string, violations: readonly Violation[]): Diagnostic[] {
  const document = parseDocument(text);
  const broken = document.errors.map(({ pos: [from, to], message }): Diagnostic => {
    return { from, to: Math.max(from, Math.min(to, text.length)), severity: 'error', message };
  });
  const named = violations.map(({ path, message }): Diagnostic => {
    const parts = [...partsOf(path)];
    for (;;) {
      const node = parts.length === 0 ? document.contents : document.getIn(parts.map(keyOf), true);
      if (isNode(node) && node.range) {
        const [from, to] = node.range;
        return { from, to: Math.min(to, text.length), severity: 'error', message: `${path || '/'}: ${message}` };
      }
      if (parts.pop() === undefined) return { from: 0, to: Math.min(1, text.length), severity: 'error', message };
    }
  });
  return [...broken, ...named];
}

const keyOf = (part: string): string | number => (/^\d+$/.test(part) ? Number(part) : part);

export function YamlEditor({ text, onChange, violations }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const told = useRef(onChange);
  told.current = onChange;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor has the text from then on
  useEffect(() => {
    if (place.current === null) return undefined;
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce),
          ...[minimalSetup, lineNumbers(), yaml(), lintGutter(), look, syntaxHighlighting(colours)],
          EditorView.contentAttributes.of({ 'aria-label': 'Manifest as YAML' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state.doc.toString(), violations)));
  }, [violations]);
  return <div ref={place} className={css.editor} />;
}
