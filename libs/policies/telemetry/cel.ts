import { parse } from '@bufbuild/cel';

/** What is wrong with an expression in CEL, as the end of a sentence. Envoy alone knows which attributes there are. */
export function celProblem(expression: string): string | undefined {
  try {
    parse(expression);
    return undefined;
  } catch (cause) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    return `must be an expression in CEL: ${reason}`;
  }
}
