/**
 * Channel on which commits are hinted at; the payload is `<stream>:<revision>` and, for a change that is traced, after a space
 * its `traceparent`. A hint only: revisions are the truth (REL-8).
 */
export const FEED_CHANNEL = 'heddle_feed';
