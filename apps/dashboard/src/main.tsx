import './app/tokens.css';
import '@mantine/core/styles.layer.css';
import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { isProblem } from './api/client';
import { App } from './app/app';
import { ErrorBoundary } from './app/error-boundary';
import { nonce } from './app/page-facts';
import { theme, variables } from './app/theme';

/** Refusals stay what they are; only what may have been a moment's trouble is asked again. */
const mayPass = (error: unknown): boolean => !isProblem(error) || error.status === 0 || error.status >= 500;

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => count < 4 && mayPass(error), staleTime: 1_000, refetchOnWindowFocus: true },
  },
});

// What dialogs do to the page behind them is a style of its own.
setNonce(nonce);

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the dashboard');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queries}>
        <ErrorBoundary>
          <App />
        </ErrorBoundary>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
