import { describe, expect, it } from 'vitest';
import { ManifestFile } from './file.js';
import { withField } from './path.js';

const edited = (text: string, change: (value: never) => unknown): string => {
  const file = new ManifestFile('f.yaml', text);
  file.set(0, change(file.values[0] as never));
  return file.text;
};

const ROUTE = `# Who gets how much
spec:
  rules:
  - name: split # the only one
    backendRefs:
    # the present version
    - { name: orders, port: 8080, subset: blue, weight: 90 }

    # the next one
    - {weight: 10, name: orders, port: 8080, subset: green}
kind: 'HTTPRoute'
`;

describe('a file of manifests', () => {
  it('keeps order, comments, quotes and style around a changed field', () => {
    const text = edited(ROUTE, (value) =>
      withField(value, 'spec.rules[split].backendRefs[orders:8080/green].weight', 20),
    );
    expect(text).toBe(
      ROUTE.replace(
        '{weight: 10, name: orders, port: 8080, subset: green}',
        '{ weight: 20, name: orders, port: 8080, subset: green }',
      ),
    );
  });

  it('moves items with their comments, drops those that are gone, appends what is new', () => {
    const text = edited('a:\n  # one\n  - name: x\n  # two\n  - name: y\n', () => ({
      a: [{ name: 'y' }, { name: 'z' }],
      b: 1,
    }));
    expect(text).toBe('a:\n  # two\n  - name: y\n  - name: z\nb: 1\n');
  });

  it('leaves the text alone when nothing changes, whatever its style', () => {
    expect(edited(ROUTE, (value) => structuredClone(value))).toBe(ROUTE);
  });

  it('changes one document of several', () => {
    const file = new ManifestFile('f.yaml', '# first\na: 1\n---\n# second\nb: 2\n');
    expect([file.set(1, { b: 3 }), file.text]).toEqual([true, '# first\na: 1\n---\n# second\nb: 3\n']);
  });

  it.each([
    ['spec.nothing[0]', 'there is no list'],
    ['spec.rules[other].name', 'there is no item other; there are: split'],
    ['spec..x[', 'write it as plans do'],
  ])('says why %s is no place', (path, why) => {
    const [value] = new ManifestFile('f.yaml', ROUTE).values;
    expect(() => withField(value, path, 1)).toThrow(why);
  });
});
