/** What became of a request is said in the words that rules and objectives have, too. */
export { isFailure, OUTCOMES, type Outcome } from '#libs/model/names';
