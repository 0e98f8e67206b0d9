/** Channel on which commits are hinted at; the payload is `<stream>:<revision>`. A hint only: revisions are the truth (REL-8). */
export const FEED_CHANNEL = 'heddle_feed';
