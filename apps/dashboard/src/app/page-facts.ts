/** What the server wrote into the page. */
const metaOf = (name: string): string =>
  document.querySelector<HTMLMetaElement>(`meta[name="heddle-${name}"]`)?.content ?? '';

/** Of the policy of this page: styles that are made here have to carry it. */
export const nonce = metaOf('nonce');

/** The browser sent a session that is open. Served by Vite alone, the page cannot know. */
export const mayHaveSession = metaOf('session') !== 'none';
