export type { StagedView } from '#libs/api';
