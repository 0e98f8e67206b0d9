export type { StagedView } from '#libs/changes';
