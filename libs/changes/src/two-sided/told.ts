/** What stands against a change with two sides, in words. */
export interface ToldObstacle {
  readonly code: 'plaintext-in-use' | 'trust-domain-in-use' | 'stage-not-delivered' | 'trust-domain-aliases-in-use';
  readonly message: string;
}
