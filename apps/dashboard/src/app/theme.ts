import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** The dye of the house: what acts and what is chosen. */
const indigo: MantineColorsTuple = [
  '#f0eeff',
  '#dedaff',
  '#bdb5ff',
  '#9a8dfa',
  '#7c6cf0',
  '#6252df',
  '#5144c8',
  '#4338ac',
  '#352c8a',
  '#2a2361',
];

/** Cloth by day and by night, so that Mantine's own greys are of the same dye. */
const gray: MantineColorsTuple = [
  '#faf8f5',
  '#f4f1ec',
  '#e7e2d9',
  '#dcd5ca',
  '#cfc8bc',
  '#b0a899',
  '#8b8476',
  '#69655c',
  '#46433c',
  '#2b2925',
];
const dark: MantineColorsTuple = [
  '#eeecf8',
  '#bdb9cf',
  '#9a95b0',
  '#6d6984',
  '#454259',
  '#353247',
  '#211f2f',
  '#1a1926',
  '#15141f',
  '#12111b',
];

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 6, dark: 5 },
  colors: { indigo, gray, dark },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  headings: {
    fontFamily: "'Inter Variable', system-ui, sans-serif",
    fontWeight: '640',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.25' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.35' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  radius: { sm: '5px', md: '8px', lg: '14px' },
  cursorType: 'pointer',
  focusRing: 'auto',
  autoContrast: true,
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    InputWrapper: { defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', comboboxProps: { shadow: 'md' } } },
    Tooltip: { defaultProps: { openDelay: 250, withArrow: true } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Modal: {
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close' },
        centered: true,
        overlayProps: { blur: 2, backgroundOpacity: 0.35 },
      },
    },
  },
});

/** Mantine's own surfaces take the colours of tokens.css. */
export const variables: CSSVariablesResolver = () => {
  const surfaces = {
    '--mantine-color-body': 'var(--h-ground)',
    '--mantine-color-text': 'var(--h-ink)',
    '--mantine-color-dimmed': 'var(--h-ink-3)',
    '--mantine-color-default': 'var(--h-panel)',
    '--mantine-color-default-hover': 'var(--h-sunk)',
    '--mantine-color-default-border': 'var(--h-line-strong)',
    '--mantine-color-default-color': 'var(--h-ink)',
    '--mantine-color-placeholder': 'var(--h-ink-3)',
    '--mantine-color-error': 'var(--h-bad)',
    '--mantine-color-anchor': 'var(--h-accent)',
  };
  return { variables: {}, light: surfaces, dark: surfaces };
};
