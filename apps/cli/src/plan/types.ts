/** Answers about plans, as REST describes them. */
export type { EnvoyChange, Finding, IntentChange, NetDifference, Plan, Replay } from '#libs/changes';
export type { FieldChange } from '#libs/diff';
