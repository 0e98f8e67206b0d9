import { Component, type ReactNode } from 'react';
import { ProblemView } from '../ui/states';
import css from '../ui/ui.module.css';

interface State {
  readonly error: unknown;
}

/** A page that breaks says so, and can be tried again; the others go on. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    return (
      <div className={css.page}>
        <ProblemView error={this.state.error} retry={() => this.setState({ error: undefined })} />
      </div>
    );
  }
}
