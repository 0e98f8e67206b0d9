/** Answers about plans, as REST describes them. */
export type { EnvoyChange, FieldChange, Finding, IntentChange, NetDifference, Plan, Replay } from '#libs/changes';
