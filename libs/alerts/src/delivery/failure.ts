/** A notification did not arrive. The message is for people and holds nothing that was answered (SEC-41). */
export class DeliveryFailed extends Error {
  constructor(
    message: string,
    /** False: it would be refused again, whatever one does. */
    readonly isWorthAnotherTry: boolean,
  ) {
    super(message);
    this.name = 'DeliveryFailed';
  }
}
