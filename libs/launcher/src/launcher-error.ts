/** A failure that the person at the keyboard can mend: the message is one line that says what to do. */
export class LauncherError extends Error {
  override readonly name = 'LauncherError';
}
