import type { RefusalCode } from '../../api/views';

export type { RefusalCode };

/** What is shown to who was refused by, or on the way of, the identity provider. */
export const REFUSALS: Readonly<Record<RefusalCode, string>> = {
  stale: 'This login was not begun in this browser, was finished already, or is older than ten minutes. Begin again.',
  denied: 'The identity provider did not let you in.',
  unreachable: 'The identity provider does not answer the control plane. Try again in a moment.',
  client:
    'The identity provider does not take this dashboard for what it says it is. Whoever runs the control plane has to mend oidc.clientId or oidc.clientSecretFile.',
  provider:
    'The identity provider answered in a way that cannot be trusted. Whoever runs the control plane finds the reason in its log.',
  name: 'The identity provider does not say who you are in a way that can be used. Whoever runs the control plane finds the reason in its log.',
};
